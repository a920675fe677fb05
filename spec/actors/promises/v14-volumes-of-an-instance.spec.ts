/** V14 by value: root disks that leave, volumes that stay and were to go, and such as were not asked for. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import { volumesOfAnInstance } from "../../../actors/promises/v14-volumes-of-an-instance.ts";
import { deletedVolume, volume } from "../../../protocol/volume.ts";

/** Facts have only the fields that this checker reads. */
const factOf = (some: object): Fact => some as Fact;
const committed = (volumes: readonly object[], more: object = {}, rows: readonly object[] = []): Fact =>
  factOf({
    ...{ kind: "committed", atMs: 1, by: "c1", result: { kind: "committed" } },
    commit: { instances: [{ row: { id: "i", desired: "running", volumes, ...more } }], rows },
  });
const found = (...facts: readonly Fact[]) => {
  const checker = volumesOfAnInstance();
  return facts.flatMap((fact) => checker.see(fact));
};
const leaving = { kind: "leaving", generation: 2 };
const root = { volumeId: "r", bootIndex: 0, deleteOnTermination: false };
const goes = { volumeId: "g", deleteOnTermination: true };
const stays = { volumeId: "s", deleteOnTermination: false };
const deleted = { desired: "deleted" };
const removed = [
  { resource: volume, removed: "g" },
  { resource: deletedVolume, made: { id: "g" } },
];

describe("V14: volumes of an instance", () => {
  it("holds where volumes leave by a detach, and with the instance's end", () => {
    const before = committed([root, goes, stays]);
    const detached = [committed([root, goes, { ...stays, change: leaving }]), committed([root, goes])];
    expect(found(before, ...detached, committed([], deleted, removed))).to.deep.equal([]);
    expect(found(before, committed([], deleted, removed))).to.deep.equal([]);
    const taken = committed([{ ...goes, change: leaving }], deleted);
    expect(found(before, taken, committed([], deleted))).to.deep.equal([]);
  });

  it("is broken where a root disk leaves, or is on its way out", () => {
    for (const after of [[], [{ ...root, change: leaving }]])
      expect(found(committed([root]), committed(after))).to.have.length(1);
  });

  it("holds where a detach begins and ends in one commit, as where the instance is on no host", () => {
    const told = { events: [{ event: "volumeDetached", body: { volumeId: "s" } }] };
    const commit = { instances: [{ row: { id: "i", desired: "stopped", volumes: [] } }], ...told };
    const ended = factOf({ kind: "committed", atMs: 2, by: "c1", result: { kind: "committed" }, commit });
    expect(found(committed([stays]), ended)).to.deep.equal([]);
    expect(found(committed([root]), ended)).to.have.length(1);
  });

  it("is broken where a volume leaves without a detach", () => {
    expect(found(committed([stays]), committed([]))).to.have.length(1);
  });

  it("is broken where one stays that was to go, or goes without a trace of what is left", () => {
    expect(found(committed([goes]), committed([], deleted))).to.have.length(1);
    expect(found(committed([goes]), committed([], deleted, removed.slice(0, 1)))).to.have.length(1);
  });

  it("is broken by an instance with other volumes than were asked for", () => {
    const create = (volumes: readonly object[], has: readonly object[]): readonly Fact[] => [
      factOf({ kind: "invoked", call: 1, method: "instance.create", request: { volumes } }),
      factOf({ kind: "completed", call: 1, outcome: "ok", answer: { instance: { id: "i", volumes: has } } }),
    ];
    const asked = [{ sizeGib: 1 }, { sizeGib: 2, bootIndex: 0, deleteOnTermination: true }];
    const [first, second] = [{ deleteOnTermination: false }, { bootIndex: 0, deleteOnTermination: true }];
    expect(found(...create(asked, [second, first]))).to.deep.equal([]);
    expect(found(...create(asked, [second]))).to.have.length(1);
    expect(found(...create(asked, [first, { ...second, deleteOnTermination: false }]))).to.have.length(1);
    expect(found(...create(asked, [first, { deleteOnTermination: true }]))).to.have.length(1);
  });
});
