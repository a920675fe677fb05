/** I3 of storages that hosts share: disks summed at every commit, and compared with the store in the end. */
import { expect } from "chai";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import type { InstanceRecord } from "../../../actors/records/instance.ts";
import { instance, inventory } from "../../support/store-rows.ts";
import { history, judged, quiet } from "./worlds.ts";

const registered = (id: string, diskGib: number): Commit => ({
  hosts: [inventory(id, { storageId: "s", diskGib })],
});
const written = (id: string, diskGib: number, changes: Partial<InstanceRecord> = {}): Commit => {
  const { flavor } = instance(id);
  const row = instance(id, { storageId: "s", flavor: { ...flavor, diskGib }, ...changes });
  return { instances: [{ expectedVersion: 0, row }] };
};
const found = (...commits: readonly Commit[]) => judged(neverOverfull(), history(...commits));

describe("promise I3, room on storages that hosts share", () => {
  it("is kept while the disks fit, wherever their instances go", () => {
    const moved = written("i", 3, { hostId: "h2", ownerEpoch: 2 });
    const hosts = [registered("h1", 4), registered("h2", 5)];
    expect(found(...hosts, written("i", 3), moved, written("j", 2))).to.deep.equal([]);
  });

  it("is broken by one disk too many, which the largest of its hosts says", () => {
    const commits = [registered("h1", 4), registered("h2", 5), written("i", 3), written("j", 3)];
    expect(found(...commits)).to.deep.equal(["Storage s is overfull: 6 of 5 GiB are claimed."]);
  });

  it("is not broken by a storage that shrinks, nor by what happens to disks on it afterwards", () => {
    const shrunk = [registered("h1", 4), written("i", 3), registered("h1", 2)];
    expect(found(...shrunk, written("i", 3, { hostId: "h2" }))).to.deep.equal([]);
    expect(found(...shrunk, written("j", 1))).to.have.length(1);
    expect(found(...shrunk, written("i", 3, { storageId: null }), written("j", 2))).to.deep.equal([]);
  });

  it("compares the store's sums with the disks when all is quiet", () => {
    const still = (diskGibClaimed: number) =>
      judged(neverOverfull(), [
        ...history(registered("h1", 4), written("i", 3)),
        quiet({ storages: [{ storageId: "s", diskGibClaimed }] }),
      ]);
    expect(still(3)).to.deep.equal([]);
    expect(still(4)).to.deep.equal(["Storage s counts 4 GiB, but the disks on it are 3 GiB."]);
  });
});
