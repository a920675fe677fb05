/** I3 for groups and quotas: each rule is judged at every commit, and a history that breaks it is found. */

import { expect } from "chai";
import { neverOverfull } from "../../../actors/promises/i03-never-overfull.ts";
import type { ServerGroupRecord } from "../../../actors/records/catalog.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import type { InstanceRecord } from "../../../actors/records/instance.ts";
import { everyProject } from "../../../protocol/quota.ts";
import { rowsOf } from "../../support/store-resources.ts";
import { changeTurn, claim, deleted, instance, wallMs } from "../../support/store-rows.ts";
import { history, judged, refused } from "./worlds.ts";

const born = (id: string, hostId: string, changes: Partial<InstanceRecord> = {}): Commit => ({
  instances: [{ expectedVersion: 0, row: instance(id, { hostId, ownerEpoch: 1, ...changes }) }],
  claims: [claim(id, hostId)],
});
const gone = (id: string, changes: Partial<InstanceRecord> = {}): Commit =>
  changeTurn(deleted(instance(id, { ownerEpoch: 1, ...changes }), wallMs));

const group = (policy: ServerGroupRecord["policy"], maxPerHost: number | null = null): Commit =>
  rowsOf({
    serverGroups: [{ id: "g", project: "demo", name: "g", policy, maxPerHost, createdAtMs: wallMs }],
  });
const member = (id: string, hostId: string): Commit => born(id, hostId, { serverGroupId: "g" });
const found = (...commits: readonly Commit[]) => judged(neverOverfull(), history(...commits));

describe("promise I3, groups", () => {
  it("is kept by members on different hosts, and by one that comes to the host of a deleted one", () => {
    const leaves = gone("i", { serverGroupId: "g" });
    const commits = [member("i", "h1"), member("j", "h2"), leaves, member("k", "h1")];
    expect(found(group("anti-affinity"), ...commits)).to.deep.equal([]);
  });

  it("is broken by two members on one host", () => {
    const said = found(group("anti-affinity"), member("i", "h1"), member("j", "h1"));
    expect(said).to.deep.equal(["Instance j on host h1 breaks the rule anti-affinity of the group g."]);
  });

  it("is broken by more than the group's own maximum only", () => {
    const three = ["i", "j", "k"].map((id) => member(id, "h1"));
    expect(found(group("anti-affinity", 3), ...three)).to.deep.equal([]);
    expect(found(group("anti-affinity", 2), ...three)).to.have.length(1);
  });

  it("is broken by a member that is not with the others", () => {
    const said = found(group("affinity"), member("i", "h1"), member("j", "h1"), member("k", "h2"));
    expect(said).to.deep.equal(["Instance k on host h2 breaks the rule affinity of the group g."]);
  });

  it("is broken beside a member that leaves, until its host has given its claim back", () => {
    const leaving = changeTurn(
      instance("i", { version: 2, hostId: null, ownerEpoch: 1, serverGroupId: "g" }),
    );
    const went = { claimsReleased: [{ instanceId: "i", ownerEpoch: 1 }] };
    const before = [group("anti-affinity"), member("i", "h1"), leaving];
    expect(found(...before, member("j", "h1"))).to.have.length(1);
    expect(found(...before, went, member("j", "h1"))).to.deep.equal([]);
    const removed = { hostsRemoved: [{ hostId: "h1", parked: true }] };
    expect(found(...before, removed, member("j", "h1"))).to.deep.equal([]);
    const together = [group("affinity"), member("i", "h1"), leaving];
    expect(found(...together, member("j", "h2"))).to.have.length(1);
    expect(found(...together, member("j", "h1"))).to.deep.equal([]);
  });

  it("does not bind a deleted instance, whose disk is removed beside another member", () => {
    const before = [group("anti-affinity"), member("i", "h1"), member("j", "h2")];
    const removal = (desired: InstanceRecord["desired"]) => {
      const row = instance("j", { hostId: "h1", ownerEpoch: 2, version: 2, serverGroupId: "g", desired });
      return changeTurn(row, { claims: [claim("j", "h1", { ownerEpoch: 2 })] });
    };
    expect(found(...before, removal("deleted"))).to.deep.equal([]);
    expect(found(...before, removal("running"))).to.have.length(1);
  });

  it("is not broken by a soft rule, a turn that was refused, or a member that is placed anew", () => {
    expect(found(group("soft-anti-affinity"), member("i", "h1"), member("j", "h1"))).to.deep.equal([]);
    const before = history(group("anti-affinity"), member("i", "h1"));
    expect(judged(neverOverfull(), [...before, refused(member("j", "h1"))])).to.deep.equal([]);
    const row = instance("i", { hostId: "h1", ownerEpoch: 2, version: 2, serverGroupId: "g" });
    const again = changeTurn(row, { claims: [claim("i", "h1", { ownerEpoch: 2 })] });
    expect(judged(neverOverfull(), [...before, ...history(again)])).to.deep.equal([]);
  });
});

describe("promise I3, quotas", () => {
  it("is kept up to the quota, and after a deletion again", () => {
    const quota = { quotas: [{ project: "demo", instances: 1 }] };
    expect(found(quota, born("i", "h1"), gone("i"), born("j", "h1"))).to.deep.equal([]);
  });

  it("is broken by one instance too many, in each resource", () => {
    const limit = (resource: string) => ({ quotas: [{ project: "demo", [resource]: 1 }] });
    const two = [born("i", "h1"), born("j", "h1")];
    expect(found(limit("instances"), ...two)).to.deep.equal([
      "The project demo has 2 instances of 1 that it may have.",
    ]);
    expect(found(limit("vcpus"), ...two)).to.have.length(1);
    expect(found(limit("memoryMib"), ...two)).to.have.length(2);
  });

  it("counts by the default where the project has no limit, and not at all with -1", () => {
    const every = { quotas: [{ project: everyProject, instances: 0 }] };
    expect(found(every, born("i", "h1"))).to.have.length(1);
    const own = { quotas: [{ project: "demo", instances: -1 }] };
    expect(found(every, own, born("i", "h1"))).to.deep.equal([]);
  });

  it("is not broken by a quota that is set below what is used, before the next create", () => {
    const quota = { quotas: [{ project: "demo", instances: 1 }] };
    const change = changeTurn(instance("i", { version: 2, hostId: "h1", ownerEpoch: 1 }));
    expect(found(born("i", "h1"), born("j", "h1"), quota, change)).to.deep.equal([]);
    expect(found(born("i", "h1"), born("j", "h1"), quota, born("k", "h1"))).to.have.length(1);
  });
});
