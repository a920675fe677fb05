/** I3 for zones: a host in two of them is found, however it came there. */

import { expect } from "chai";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { rowsOf } from "../../support/store-resources.ts";
import { wallMs } from "../../support/store-rows.ts";
import { history, judged, refused } from "./worlds.ts";

const row = (id: string, availabilityZone: string | null) => ({
  ...{ id, name: id, availabilityZone, metadata: {}, createdAtMs: wallMs },
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

  it("is not broken by a turn that was refused", () => {
    expect(judged(neverOverfull(), [...history(...two, joins("a")), refused(joins("b"))])).to.deep.equal([]);
  });
});
