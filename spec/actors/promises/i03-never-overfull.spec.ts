/** I3: the sums of the claims are counted at every commit, and compared with the store's in the end. */
import { expect } from "chai";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { claim, createTurn, inventory } from "../../support/store-rows.ts";
import { amounts, history, judged, quiet, refused } from "./worlds.ts";

const registered = (vcpus: number) => ({ hosts: [inventory("h1", { vcpus })] });
const released = { claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }] };

describe("promise I3, never overfull", () => {
  it("is kept while the claims fit, and when one makes room for the next", () => {
    const facts = history(registered(1), createTurn("i"), { ...createTurn("j"), ...released });
    expect(judged(neverOverfull(), facts)).to.deep.equal([]);
  });

  it("is broken by one claim too many", () => {
    const found = judged(neverOverfull(), history(registered(1), createTurn("i"), createTurn("j")));
    expect(found).to.deep.equal(["Host h1 is overfull: 2 of 1 vcpus are claimed."]);
  });

  it("counts every resource", () => {
    const huge = claim("i", "h1", { vcpus: 1, memoryMib: 2_000_000, diskGib: 2_000_000 });
    expect(judged(neverOverfull(), history(registered(1), { claims: [huge] }))).to.have.length(2);
  });

  it("is broken by a host that comes back with less than is claimed, unless the store refuses it", () => {
    const before = history(registered(2), createTurn("i"), createTurn("j"));
    expect(judged(neverOverfull(), [...before, refused(registered(1))])).to.deep.equal([]);
    expect(judged(neverOverfull(), [...before, ...history(registered(1))])).to.have.length(1);
  });

  it("says nothing of a host that never told what it has", () => {
    expect(judged(neverOverfull(), history(createTurn("i")))).to.deep.equal([]);
  });

  it("compares the store's sums with the claims, and with the capacity, when all is quiet", () => {
    const claims = [{ ...amounts(1), instanceId: "i", ownerEpoch: 1, hostId: "h1" }];
    const host = (claimed: number, capacity: number) => ({
      hosts: [{ id: "h1", claimed: amounts(claimed), capacity: amounts(capacity) }],
    });
    const found = (change: object) => judged(neverOverfull(), [quiet(change)]);
    expect(found({ claims, ...host(1, 1) })).to.deep.equal([]);
    expect(found({ claims, ...host(2, 2) })).to.have.length(3);
    expect(found({ claims: [], ...host(1, 2) })).to.have.length(3);
    expect(found(host(2, 2))).to.deep.equal([]);
    expect(found(host(2, 1))).to.have.length(3);
  });

  describe("by NUMA node", () => {
    const node = { vcpus: 2, memoryMib: 512, hugePages: [{ sizeKib: 2_048, total: 64 }] };
    const numa = (dedicated: boolean, change: object = {}) => ({
      numa: { dedicated, nodes: [{ node: 0, vcpus: 1, memoryMib: 64, ...change }] },
    });
    const host = { hosts: [inventory("h1", { vcpus: 4, numa: [node] })] };
    const taken = (id: string, change: object) => ({ claims: [claim(id, "h1", change)] });
    const found = (...commits: readonly Commit[]) => judged(neverOverfull(), history(...commits));

    it("is kept while each has enough of everything", () => {
      const pages = numa(false, { memoryMib: 128, pageKib: 2_048 });
      const commits = [
        taken("i", numa(true)),
        taken("j", pages),
        taken("k", numa(false, { memoryMib: 320 })),
      ];
      expect(found(host, ...commits)).to.deep.equal([]);
      expect(found(host, ...commits, { ...taken("l", numa(true)), ...released })).to.deep.equal([]);
    });

    it("is broken by a CPU that is given twice, memory that is not there, and pages that are not", () => {
      const third = ["i", "j", "k"].map((id) => taken(id, numa(true)));
      expect(found(host, ...third)).to.include("Host h1 is overfull: NUMA node 0: CPUs: 3 of 2.");
      expect(found(host, taken("i", numa(false, { memoryMib: 385 })))).to.deep.equal([
        "Host h1 is overfull: NUMA node 0: MiB: 385 of 384.",
      ]);
      const pages = numa(false, { memoryMib: 130, pageKib: 2_048 });
      expect(found(host, taken("i", pages))).to.have.length(1);
      expect(found(host, taken("i", numa(false, { node: 1 })))).to.have.length(1);
    });

    it("is broken by guests that share CPUs which others have to themselves", () => {
      const shared = ["j", "k", "l"].map((id) => taken(id, {}));
      expect(found(host, taken("i", numa(true)), ...shared)).to.deep.equal([
        "Host h1 is overfull: 3 vCPUs share 1 of 2 CPUs.",
      ]);
    });

    it("compares the store's sums with the claims when all is quiet", () => {
      const claims = [{ ...amounts(1), instanceId: "i", ownerEpoch: 1, hostId: "h1", ...numa(true) }];
      const counted = (pinnedCpus: number) => ({
        hosts: [
          {
            ...{ id: "h1", claimed: amounts(1), capacity: amounts(2) },
            nodes: { pinnedCpus, numaClaimed: [{ pinnedCpus, memoryMib: 64, hugePages: [] }] },
          },
        ],
      });
      const look = (change: object) => judged(neverOverfull(), [quiet(change)]);
      expect(look({ claims, ...counted(1) })).to.deep.equal([]);
      expect(look({ claims, ...counted(2) })).to.have.length(2);
    });
  });
});
