/** I3: the sums of the claims are counted at every commit, and compared with the store's in the end. */
import { expect } from "chai";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import { claim, createTurn, inventory } from "../../support/store-rows.ts";
import { amounts, history, judged, quiet, refused } from "./worlds.ts";

const registered = (vcpus: number) => ({ hosts: [inventory("h1", { vcpus })] });
const released = { claimsReleased: [{ instanceId: "i", epoch: 1 }] };

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
    const claims = [{ ...amounts(1), instanceId: "i", epoch: 1, hostId: "h1" }];
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
});
