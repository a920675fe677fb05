/** I3 for zones: a host in two zones is found, and one that left the zone of its instances. */

import { expect } from "chai";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { rowsOf } from "../../support/store-resources.ts";
import * as rows from "../../support/store-rows.ts";
import { history, judged, refused } from "./worlds.ts";

const row = (id: string, availabilityZone: string | null) => ({
  ...{ id, name: id, availabilityZone, metadata: {}, createdAtMs: rows.wallMs },
});
const made = (id: string, availabilityZone: string | null): Commit =>
  rowsOf({ aggregates: [row(id, availabilityZone)] });
const joins = (aggregateId: string, hostId = "h1"): Commit => ({ aggregateHosts: [{ aggregateId, hostId }] });
const leaves = (aggregateId: string, hostId = "h1"): Commit => ({
  aggregateHostsRemoved: [{ aggregateId, hostId }],
});
const set = (id: string, availabilityZone: string | null): Commit =>
  rowsOf({ aggregatesChanged: [{ ...row(id, availabilityZone), number: 1, version: 2 }] });
const found = (...commits: readonly Commit[]) => judged(neverOverfull(), history(...commits));
const two = [made("a", "north"), made("b", "south")];

describe("promise I3, zones", () => {
  it("is kept by hosts in one zone, in aggregates without one, and by those that left before", () => {
    expect(found(...two, joins("a"), joins("b", "h2"))).to.deep.equal([]);
    expect(found(...two, made("c", null), joins("a"), joins("c"))).to.deep.equal([]);
    expect(found(...two, joins("a"), leaves("a"), joins("b"))).to.deep.equal([]);
    const removed = { hostsRemoved: [{ hostId: "h1", parked: false }] };
    expect(found(...two, joins("a"), removed, joins("b"))).to.deep.equal([]);
  });

  it("is broken by a host that joins another zone", () => {
    expect(found(...two, joins("a"), joins("b"))).to.deep.equal(["Host h1 is in the zones north and south."]);
  });

  it("is broken by an aggregate that becomes another zone, and not by one that loses it", () => {
    const both = [made("a", "north"), made("b", null), joins("a"), joins("b")];
    expect(found(...both, set("b", "north"))).to.deep.equal([]);
    expect(found(...both, set("b", "south"))).to.have.length(1);
    expect(found(...both, set("a", null), set("b", "south"))).to.deep.equal([]);
  });

  const asks = (availabilityZone: string | null, more = {}): Commit => {
    const row = rows.instance("i1", { hostId: "h1", ownerEpoch: 1, availabilityZone, ...more });
    return { instances: [{ expectedVersion: 0, row }], claims: [rows.claim("i1", "h1")] };
  };

  it("is broken when a host leaves the zone that an instance there has asked for", () => {
    const there = [...two, joins("a"), asks("north")];
    const left = "Host h1 left the zone north, which instance i1 there has asked for.";
    for (const change of [leaves("a"), set("a", "west"), set("a", null)])
      expect(found(...there, change)).to.deep.equal([left]);
    expect(found(...there, made("c", null), joins("c"), leaves("c"), leaves("b", "h2"))).to.deep.equal([]);
    expect(found(...two, asks("nova"), joins("a"))).to.have.length(1);
    expect(found(...two, joins("a"), asks(null), leaves("a"))).to.deep.equal([]);
    const going = rows.next(rows.instance("i1", { availabilityZone: "north" }), { desired: "deleted" });
    expect(found(...there, rows.changeTurn(going), leaves("a"))).to.deep.equal([]);
  });

  it("is broken by a claim in another zone than was asked for, unless it is only made anew", () => {
    expect(found(...two, joins("b"), asks("north"))).to.deep.equal([
      "Instance i1 claims on host h1, which is not in the zone north.",
    ]);
    expect(found(...two, joins("a"), asks("north"))).to.deep.equal([]);
    const anew = { ...asks("north"), claimsReleased: [{ instanceId: "i1", ownerEpoch: 1 }] };
    expect(found(...two, joins("b"), anew)).to.deep.equal([]);
  });

  it("is not broken by a turn that was refused", () => {
    expect(judged(neverOverfull(), [...history(...two, joins("a")), refused(joins("b"))])).to.deep.equal([]);
  });
});
