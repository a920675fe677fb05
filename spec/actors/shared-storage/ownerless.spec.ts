/** Which disks on shared storage nobody owns, case by case, and that no take-over ever misses a disk. */
import { expect } from "chai";
import { type DiskOwner, ownerlessUpTo } from "../../../actors/shared-storage/ownerless.ts";
import { FakeStorage } from "../../../nodes/drivers/fake/storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { Random } from "../../simulator/random.ts";
import { machineSpec } from "../../support/driver-world.ts";

const owner = (change: Partial<DiskOwner> = {}): DiskOwner => ({
  ...{ ownerEpoch: 3, storageId: "s1", deleted: false, settled: true },
  ...change,
});

describe("disks that nobody owns", () => {
  const cases: readonly [string, readonly number[], DiskOwner | undefined, number][] = [
    ["the disk of an instance that lives", [3], owner(), 0],
    ["the disk of an epoch before, which the next host will take over", [1], owner(), 0],
    ["what is below another disk", [1, 2, 3], owner(), 2],
    ["what is below a disk that waits to be taken over", [1, 2], owner(), 1],
    ["everything of a deleted instance", [1, 3], owner({ deleted: true, storageId: null }), 3],
    ["something of an instance that is worked on", [1, 2, 3], owner({ settled: false }), 0],
    [
      "something of a deleted one whose host has not said gone",
      [3],
      owner({ deleted: true, settled: false }),
      0,
    ],
    ["something of an instance that nobody knows", [1], undefined, 0],
    ["something where there is a later epoch than the row knows", [1, 4], owner(), 0],
    ["a deleted one's where there is a later epoch than the row knows", [4], owner({ deleted: true }), 0],
    ["what was left here before the guest ran in another storage", [1, 2], owner({ storageId: "s2" }), 2],
    [
      "the present epoch's here, though its storage is said to be another",
      [3],
      owner({ storageId: null }),
      0,
    ],
    ["nothing", [], owner(), 0],
  ];
  for (const [what, epochs, row, expected] of cases)
    it(`${expected === 0 ? "are not" : "are"}: ${what}`, () => {
      expect(ownerlessUpTo("s1", epochs, row)).to.equal(expected);
    });

  it("are never what a take-over needs, in random lives", () => {
    for (let seed = 1; seed <= 300; seed += 1) liveOnce(seed);
  });
});

/**
 * One life of a disk: hosts make it, take it over and release it, also by old requests, and the sweep may
 * rest on any earlier row and listing. The data must be where the newest owner epoch looks for it.
 */
function liveOnce(seed: number): void {
  const random = new Random(`ownerless-${seed}`);
  const storage = new FakeStorage("s1");
  const old: { epochs: readonly number[]; row: DiskOwner }[] = [];
  let ownerEpoch = 1;
  let built = false;
  for (let step = 0; step < 30; step += 1) {
    old.push({ epochs: storage.epochs("i"), row: owner({ ownerEpoch, settled: random.chance(0.7) }) });
    if (random.chance(0.3)) ownerEpoch += 1;
    const asked = random.chance(0.6) ? ownerEpoch : random.whole(1, ownerEpoch);
    const ensured = ensure(storage, asked, built);
    built ||= ensured && asked === ownerEpoch;
    const [seen, read] = [old, old].map((moments) => moments[random.whole(0, moments.length - 1)]);
    if (seen !== undefined) storage.release("i", ownerlessUpTo("s1", seen.epochs, read?.row));
    if (built) expect(storage.epochs("i"), `seed ${seed}, step ${step}`).to.have.length.greaterThan(0);
  }
  if (built) expect(ensure(storage, ownerEpoch + 1, true), `seed ${seed}`).to.equal(true);
}

function ensure(storage: FakeStorage, ownerEpoch: number, takesOverDisk: boolean): boolean {
  try {
    storage.ensure(machineSpec({ instanceId: "i", ownerEpoch, takesOverDisk }));
    return true;
  } catch (error) {
    if (error instanceof StatusError) return false;
    throw error;
  }
}
