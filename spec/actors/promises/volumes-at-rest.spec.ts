/** V2 and V3 by value: detaches that go on, and files and rows of volumes that do not belong together. */
import { expect } from "chai";
import type { Checker, Fact } from "../../../actors/promises/facts.ts";
import { detachesEnd, detachMsMax } from "../../../actors/promises/v02-detaches-end.ts";
import { noFileWithoutRow } from "../../../actors/promises/v03-no-file-without-row.ts";
import type { VolumesAtRest } from "../../../actors/promises/volume-facts.ts";

const nothing: VolumesAtRest = { rows: [], deleted: [], attached: [], files: [], inGuests: [] };
/** Facts have only the fields that these checkers read. */
const factOf = (some: object): Fact => some as Fact;
const quiet = (some: Partial<VolumesAtRest>, atMs = 1): Fact =>
  factOf({ kind: "quiet", atMs, instances: [], volumes: { ...nothing, ...some } });
const committed = (atMs: number, commit: object): Fact =>
  factOf({ kind: "committed", atMs, by: "c1", commit, result: { kind: "committed" } });
const found = (checker: Checker, ...facts: readonly Fact[]) => facts.flatMap((fact) => checker.see(fact));

const row = (more: Partial<VolumesAtRest["rows"][number]> = {}) => ({
  ...{ id: "v", epoch: 2, sizeGib: 1, place: "s", made: true, instanceId: null },
  ...more,
});
const file = (more: Partial<VolumesAtRest["files"][number]> = {}) => ({
  ...{ volumeId: "v", epoch: 2, place: "s", sizeGib: 1, openFor: [] },
  ...more,
});

describe("V2: detaches end", () => {
  const leaving = { volumeId: "v", change: { kind: "leaving", generation: 2 } };
  const instance = (atMs: number, volumes: readonly object[], hostId = "h1") =>
    committed(atMs, { instances: [{ row: { id: "i", hostId, volumes } }] });
  const over: Fact = { kind: "faultsOver", atMs: 1_000 };

  it("holds while faults go on, and where the detach ends in time after them", () => {
    const took = [instance(0, [leaving]), instance(detachMsMax * 2, [])];
    expect(found(detachesEnd(), ...took)).to.deep.equal([]);
    expect(found(detachesEnd(), instance(0, [leaving]), over, instance(detachMsMax, []))).to.deep.equal([]);
  });

  it("is counted from when its host was fenced or came back, and from when the instance went elsewhere", () => {
    const lateMs = 2_000 + detachMsMax;
    const granted = committed(1_500, { leasesGranted: [{ hostId: "h1", leaseEpoch: 2 }] });
    const began = [instance(0, [leaving]), over];
    expect(found(detachesEnd(), ...began, instance(lateMs, []))).to.have.length(1);
    expect(found(detachesEnd(), ...began, granted, instance(lateMs - 500, []))).to.deep.equal([]);
    const moved = [...began, instance(1_900, [leaving], "h2"), instance(lateMs - 200, [])];
    expect(found(detachesEnd(), ...moved)).to.deep.equal([]);
  });

  it("is broken where one never ends, and by a row whose instance does not have the volume", () => {
    const attached = [{ volumeId: "v", epoch: 2, instanceId: "i", change: "leaving" as const }];
    expect(found(detachesEnd(), quiet({ rows: [row({ instanceId: "i" })], attached }))).to.have.length(1);
    expect(found(detachesEnd(), quiet({ rows: [row({ instanceId: "i" })] }))).to.have.length(1);
    expect(found(detachesEnd(), instance(0, [leaving]), over, quiet({}, 1_001 + detachMsMax))).to.have.length(
      1,
    );
  });
});

describe("V2: a guest that runs has the volumes of its instance", () => {
  const attached = [{ volumeId: "v", epoch: 2, instanceId: "i", change: null }];
  const rows = [row({ instanceId: "i" })];
  const still = (
    state: "running" | "stopped",
    inGuests: VolumesAtRest["inGuests"],
    change: VolumesAtRest["attached"][number]["change"] = null,
  ): Fact =>
    factOf({
      ...{ kind: "quiet", atMs: 1, instances: [{ id: "i", state }] },
      volumes: { ...nothing, rows, attached: attached.map((one) => ({ ...one, change })), inGuests },
    });
  const there = { volumeId: "v", epoch: 2, hostId: "h1", instanceId: "i" };

  it("holds where it has them, and where it does not run or one is on its way", () => {
    expect(found(detachesEnd(), still("running", [{ ...there, state: "attached" }]))).to.deep.equal([]);
    expect(found(detachesEnd(), still("stopped", []))).to.deep.equal([]);
    expect(found(detachesEnd(), still("running", [], "attaching"))).to.deep.equal([]);
  });

  it("is broken where it has given one back, or never had it", () => {
    for (const inGuests of [
      [],
      [{ ...there, state: "open" }],
      [{ ...there, instanceId: "j", state: "attached" }],
    ] as const)
      expect(found(detachesEnd(), still("running", inGuests))).to.have.length(1);
  });
});

describe("V3: no file without a row", () => {
  it("holds where each file has its row, or what is left of one, and each row of a made one its file", () => {
    expect(found(noFileWithoutRow(), quiet({ rows: [row()], files: [file({ epoch: 1 })] }))).to.deep.equal(
      [],
    );
    expect(found(noFileWithoutRow(), quiet({ rows: [row({ made: false })] }))).to.deep.equal([]);
  });

  it("is broken by a file without a row, in another place, or of a later epoch", () => {
    const broken = [
      { files: [file()] },
      { rows: [row()], files: [file(), file({ place: "h1" })] },
      { rows: [row()], files: [file({ epoch: 3 })] },
    ];
    for (const one of broken) expect(found(noFileWithoutRow(), quiet(one))).to.have.length(1);
  });

  it("takes what is half made for no file of a made one, and for one that a row must have", () => {
    const part = file({ whole: false });
    expect(found(noFileWithoutRow(), quiet({ rows: [row()], files: [part] }))).to.have.length(1);
    expect(found(noFileWithoutRow(), quiet({ files: [part] }))).to.have.length(1);
    expect(found(noFileWithoutRow(), quiet({ rows: [row({ made: false })], files: [part] }))).to.deep.equal(
      [],
    );
  });

  it("is broken by a made one without a file, and by what is left and stays", () => {
    expect(found(noFileWithoutRow(), quiet({ rows: [row()] }))).to.have.length(1);
    expect(found(noFileWithoutRow(), quiet({ files: [file()], deleted: ["v"] }))).to.have.length(1);
  });

  it("says nothing of files on a host that was removed, and came back", () => {
    const removed = committed(0, { hostsRemoved: [{ hostId: "h1", parked: false }] });
    expect(found(noFileWithoutRow(), removed, quiet({ files: [file({ place: "h1" })] }))).to.deep.equal([]);
  });
});
