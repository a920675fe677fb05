/** I3 of bytes: a new disk where a controller has long heard that too little is free. By value. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { instance } from "../../support/store-rows.ts";
import { committed, judged } from "./worlds.ts";

const gib = 2 ** 30;
const by = "controller-1";
const heard = (atMs: number, freeGib: number, more: { by?: string; hostId?: string } = {}): Fact => ({
  ...{ kind: "roomHeard", by, hostId: "h1", ...more, atMs },
  ...{ freeBytes: freeGib * gib, totalBytes: 1_000 * gib },
});
/** Heard every two seconds. */
const heardFrom = (fromMs: number, untilMs: number, freeGib: number) =>
  Array.from({ length: (untilMs - fromMs) / 2_000 + 1 }, (_, index) =>
    heard(fromMs + index * 2_000, freeGib),
  );
const claim = (instanceId: string, hostId: string, diskGib: number, ownerEpoch = 1): Commit => ({
  claims: [{ instanceId, ownerEpoch, hostId, leaseEpoch: 1, vcpus: 1, memoryMib: 1, diskGib, numa: null }],
});
const shared = (id: string, hostId: string): Commit => {
  const { flavor } = instance(id);
  const row = instance(id, { hostId, storageId: "s", flavor: { ...flavor, diskGib: 1 } });
  return { instances: [{ expectedVersion: 0, row }] };
};
const at = (atMs: number, commit: Commit) => committed(commit, { atMs });
const found = (...facts: readonly Fact[]) => judged(neverOverfull(), facts);
const words = (instanceId: string) => [
  `A new disk of instance ${instanceId} is placed on host h1, which has said for 70 s that less is free than is kept.`,
];
const low = heardFrom(0, 70_000, 3);

describe("promise I3, bytes that are really free", () => {
  it("is broken by a new disk on a host that has said for long that too little is free", () => {
    expect(found(...low, at(70_000, claim("i", "h1", 1)))).to.deep.equal(words("i"));
    expect(found(...low, at(70_000, shared("i", "h1")))).to.have.members([
      ...words("i"),
      "Storage s is overfull: 1 of 0 GiB are claimed.",
    ]);
  });

  it("is not broken where there is room, without a disk, on another host, or by another controller", () => {
    expect(found(...heardFrom(0, 70_000, 4), at(70_000, claim("i", "h1", 1)))).to.deep.equal([]);
    expect(found(...low, at(70_000, claim("i", "h1", 0)))).to.deep.equal([]);
    expect(found(...low, at(70_000, claim("i", "h2", 1)))).to.deep.equal([]);
    const others = low.map((fact) => ({ ...fact, by: "controller-2" }) as Fact);
    expect(found(...others, at(70_000, claim("i", "h1", 1)))).to.deep.equal([]);
  });

  it("is not broken by what goes on: the disk is there already", () => {
    const there = [at(0, claim("i", "h1", 1)), at(0, shared("j", "h2"))];
    const again = [at(70_000, claim("i", "h1", 1, 2)), at(70_000, shared("j", "h1"))];
    const faults = found(...there, ...low, ...again).filter((one) => one.includes("new disk"));
    expect(faults).to.deep.equal([]);
  });

  it("gives choices that were made before time to be written, and believes no gap", () => {
    expect(found(...heardFrom(12_000, 70_000, 3), at(70_000, claim("i", "h1", 1)))).to.deep.equal([]);
    const gap = [...heardFrom(0, 30_000, 3), ...heardFrom(52_000, 70_000, 3)];
    expect(found(...gap, at(70_000, claim("i", "h1", 1)))).to.deep.equal([]);
    expect(found(...low, heard(72_000, 9), at(73_000, claim("i", "h1", 1)))).to.deep.equal([]);
    const forgotten: Fact = { kind: "roomForgotten", atMs: 65_000, by };
    expect(found(...low, forgotten, at(70_000, claim("i", "h1", 1)))).to.deep.equal([]);
    const removed = at(69_000, { hostsRemoved: [{ hostId: "h1", parked: false }] });
    expect(found(...low, removed, at(70_000, claim("i", "h1", 1)))).to.deep.equal([]);
  });
});
