/**
 * What every Store must do with aggregates, groups and quotas; a part of the contract in
 * store-contract.ts. Groups and quotas are judged in the transaction of the claim, whoever commits with it.
 */

import { expect } from "chai";
import type { Store } from "../../actors/ports/store.ts";
import type { ServerGroupRecord } from "../../actors/records/catalog.ts";
import type { Commit } from "../../actors/records/commit.ts";
import type { InstanceRecord } from "../../actors/records/instance.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import { everyProject, quotaResources } from "../../protocol/quota.ts";
import { serverGroup } from "../../protocol/server-group.ts";
import { buildsContract } from "./store-contract-builds.ts";
import { storagesContract } from "./store-contract-storages.ts";
import { volumesContract } from "./store-contract-volumes.ts";
import { zoneContract } from "./store-contract-zones.ts";
import { called, rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";
import { names } from "./store-rows.ts";

type OpenStore = () => Promise<Store>;

/** A create of an instance of this project, in this group. */
function birth(id: string, hostId: string, changes: Partial<InstanceRecord>): Commit {
  const commit = rows.createTurn(id, hostId);
  const row = { ...rows.instance(id, { hostId, ownerEpoch: 1, operationId: `op-${id}` }), ...changes };
  return { ...commit, instances: [{ expectedVersion: 0, row }] };
}

const group = (id: string, changes: Partial<ServerGroupRecord> = {}): ServerGroupRecord => ({
  id,
  project: "demo",
  name: `name-of-${id}`,
  policy: "anti-affinity",
  maxPerHost: null,
  createdAtMs: rows.wallMs,
  version: 1,
  ...changes,
});

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

export function placementContract(get: () => Store, another: OpenStore): void {
  groupContract(get, another);
  quotaContract(get, another);
  aggregateContract(get);
  zoneContract(get);
  buildsContract(get);
  storagesContract(get, another);
  volumesContract(get, another);
}

function groupContract(get: () => Store, another: OpenStore): void {
  const prepare = async (hosts: number, changes: Partial<ServerGroupRecord>) => {
    const [store, it] = [get(), names()];
    const hostIds = many(hosts, (n) => `${it.host}-${n}`);
    await store.commit({ hosts: hostIds.map((hostId) => rows.inventory(hostId)) });
    const groupId = it.id(999);
    await store.commit(rowsOf({ serverGroups: [group(groupId, { project: it.project, ...changes })] }));
    const member = (n: number, host: number): Commit =>
      birth(it.id(n), hostIds[host] ?? "", { project: it.project, serverGroupId: groupId });
    return { store, ...it, groupId, hostIds, member };
  };

  it("lets one member of an anti-affinity group onto each host, however many come at once", async () => {
    const { store, groupId, hostIds, member } = await prepare(5, {});
    const stores = [store, await another()];
    const results = await Promise.all(many(60, async (n) => stores[n % 2]?.commit(member(n, n % 5))));
    expect(results.filter((one) => one?.kind === "committed")).to.have.length(5);
    const refused = results.filter((one) => one?.kind !== "committed");
    for (const one of refused) expect(one).to.include({ kind: "groupRule", groupId });
    const members = await store.serverGroups.members(groupId, 100);
    expect(members.map(({ hostId }) => hostId).sort()).to.deep.equal(hostIds);
  });

  it("counts up to the group's own maximum, and what a commit brings itself", async () => {
    const { store, id, groupId, hostIds, member } = await prepare(2, { maxPerHost: 2 });
    const [first, second, third] = [member(1, 0), member(2, 0), member(3, 0)];
    const both: Commit = {
      instances: [first, second, third].flatMap(({ instances = [] }) => instances),
      claims: [first, second, third].flatMap(({ claims = [] }) => claims),
    };
    const broken = { kind: "groupRule", groupId, hostId: hostIds[0] };
    expect(await store.commit(both)).to.deep.equal(broken);
    expect(await store.instances.get(id(1))).to.equal(undefined);
    expect((await store.commit(first)).kind).to.equal("committed");
    expect((await store.commit(second)).kind).to.equal("committed");
    expect(await store.commit(third)).to.deep.equal(broken);
  });

  it("keeps the members of an affinity group on the host of the first", async () => {
    const { store, groupId, hostIds, member } = await prepare(2, { policy: "affinity" });
    expect((await store.commit(member(1, 0))).kind).to.equal("committed");
    expect((await store.commit(member(2, 0))).kind).to.equal("committed");
    const refused = { kind: "groupRule", groupId, hostId: hostIds[1] };
    expect(await store.commit(member(3, 1))).to.deep.equal(refused);
  });

  it("refuses nothing for a soft rule", async () => {
    const { store, member } = await prepare(1, { policy: "soft-anti-affinity" });
    expect((await store.commit(member(1, 0))).kind).to.equal("committed");
    expect((await store.commit(member(2, 0))).kind).to.equal("committed");
  });

  it("frees a deleted member's place in the commit that deletes it", async () => {
    const { store, id, groupId, member } = await prepare(1, {});
    const first = member(1, 0);
    await store.commit(first);
    expect((await store.commit(member(2, 0))).kind).to.equal("groupRule");
    const row = first.instances?.[0]?.row ?? rows.instance(id(1));
    await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    expect(await store.serverGroups.members(groupId, 100)).to.deep.equal([]);
    expect((await store.commit(member(2, 0))).kind).to.equal("committed");
  });

  for (const policy of ["anti-affinity", "affinity"] as const)
    it(`counts a member of an ${policy} group that leaves where its claim is, until that is released`, async () => {
      const { store, id, groupId, hostIds, member } = await prepare(2, { policy });
      const [from = "", to = ""] = hostIds;
      const first = member(1, 0);
      await store.commit(first);
      const row = rows.next(first.instances?.[0]?.row ?? rows.instance(id(1)), { hostId: null });
      await store.commit(rows.changeTurn(row));
      expect(await store.serverGroups.hosts(groupId)).to.deep.equal([{ hostId: from, members: 1 }]);
      expect(await store.serverGroups.hosts(groupId, id(1))).to.deep.equal([]);
      const wrong = policy === "affinity" ? 1 : 0;
      const refused = { kind: "groupRule", groupId, hostId: hostIds[wrong] };
      expect(await store.commit(member(2, wrong))).to.deep.equal(refused);
      const claimsReleased = [{ instanceId: id(1), ownerEpoch: 1 }];
      await store.commit({ ...rows.changeTurn(rows.next(row, {})), claimsReleased });
      expect(await store.serverGroups.hosts(groupId)).to.deep.equal([]);
      expect((await store.commit(member(2, 1))).kind).to.equal("committed");
      expect(await store.serverGroups.hosts(groupId)).to.deep.equal([{ hostId: to, members: 1 }]);
    });

  it("says how many members are on each host, and lists no more than it is asked for", async () => {
    const { store, id, groupId, hostIds, member } = await prepare(2, { maxPerHost: 2 });
    for (const [n, host] of [0, 0, 1].entries()) await store.commit(member(n + 1, host));
    expect(await store.serverGroups.hosts(groupId)).to.deep.equal([
      { hostId: hostIds[0], members: 2 },
      { hostId: hostIds[1], members: 1 },
    ]);
    const listed = await store.serverGroups.members(groupId, 2);
    expect(listed.map(({ instanceId }) => instanceId)).to.deep.equal([id(1), id(2)]);
  });

  it("takes no member into a group that is gone, and removes none that has members", async () => {
    const { store, project, groupId, member } = await prepare(1, {});
    await store.commit(member(1, 0));
    expect(await store.commit(rowsOf({ serverGroupsRemoved: [groupId] }))).to.deep.equal({ kind: "inUse" });
    expect(await called(store, serverGroup, groupId)).to.include({ project });
    const gone = rows.missing("server-group", "nothing");
    expect(await store.commit(rowsOf({ serverGroupsRemoved: ["nothing"] }))).to.deep.equal(gone);
    await store.commit({ hosts: [rows.inventory("h1")] });
    const lost = birth(`${groupId}-x`, "h1", { serverGroupId: "nothing" });
    const { claims: _, ...unplaced } = lost;
    expect(await store.commit(unplaced)).to.deep.equal(gone);
    expect(await store.commit(lost)).to.deep.equal(gone);
  });

  it("lets a project have so many groups, by its own quota, the default one, or the usual limit", async () => {
    const [store, { id, project }] = [get(), names()];
    const make = (n: number, inProject = project) =>
      store.commit(rowsOf({ serverGroups: [group(id(n), { project: inProject, name: `g${n}` })] }));
    await store.commit({ quotas: [{ project, serverGroups: 2 }] });
    const results = await Promise.all([1, 2, 3].map((n) => make(n)));
    const full = { kind: "quotaExceeded", resource: "serverGroups", limit: 2, used: 2, asked: 1 };
    expect(results.filter(({ kind }) => kind === "committed")).to.have.length(2);
    expect(results.filter(({ kind }) => kind !== "committed")).to.deep.equal([full]);
    expect((await store.quotas.get(project)).used).to.include({ serverGroups: 2, keyPairs: 0 });
    expect((await make(4, `${project}-2`)).kind).to.equal("committed");
    const [first] = await store.rows.list(serverGroup, { project, limit: 1 });
    const replaced = rowsOf({
      serverGroupsRemoved: [first?.id ?? ""],
      serverGroups: [group(id(5), { project }), group(id(6), { project })],
    });
    expect(await store.commit(replaced)).to.deep.equal({ ...full, used: 1, asked: 2 });
    await store.commit({ quotas: [{ project, serverGroups: -1 }] });
    expect((await store.commit(replaced)).kind).to.equal("committed");
    await store.commit({
      quotas: [
        { project, serverGroups: null },
        { project: everyProject, serverGroups: 3 },
      ],
    });
    expect(await make(7)).to.deep.equal({ ...full, limit: 3, used: 3 });
    await store.commit({ quotas: [{ project: everyProject, serverGroups: null }] });
    expect((await make(7)).kind).to.equal("committed");
  });

  it("finds groups by id or name within their project", async () => {
    const [store, { id, project }] = [get(), names()];
    const own = group(id(1), { project, name: "db", maxPerHost: 3 });
    await store.commit(rowsOf({ serverGroups: [own] }));
    await store.commit(rowsOf({ serverGroups: [group(id(3), { project: `${project}-2`, name: "db" })] }));
    expect(await called(store, serverGroup, "db", project)).to.deep.equal(own);
    expect(await called(store, serverGroup, id(1), project)).to.deep.equal(own);
    expect(await called(store, serverGroup, id(3), project)).to.equal(undefined);
    expect(await called(store, serverGroup, id(3))).to.include({ id: id(3) });
    expect(await store.rows.list(serverGroup, { project, limit: 10 })).to.deep.equal([own]);
    expect((await store.commit(rowsOf({ serverGroupsRemoved: [id(1)] }))).kind).to.equal("committed");
    expect(await store.rows.list(serverGroup, { project, limit: 10 })).to.deep.equal([]);
  });
}

function quotaContract(get: () => Store, another: OpenStore): void {
  const none = Object.fromEntries(quotaResources.map((one) => [one, null]));

  it("never lets a project have more than its quota, however many ask at once", async () => {
    const [store, { id, host, project }] = [get(), names()];
    const stores = [store, await another()];
    await store.commit({ hosts: [rows.inventory(host)] });
    await store.commit({ quotas: [{ project, ...none, instances: 7 }] });
    const results = await Promise.all(
      many(40, async (n) => stores[n % 2]?.commit(birth(id(n), host, { project }))),
    );
    expect(results.filter((one) => one?.kind === "committed")).to.have.length(7);
    const refused = results.filter((one) => one?.kind !== "committed");
    const exceeded = { kind: "quotaExceeded", resource: "instances", limit: 7, used: 7, asked: 1 };
    for (const one of refused) expect(one).to.deep.equal(exceeded);
    const { limits, used } = await store.quotas.get(project);
    expect(limits).to.deep.equal({ ...none, instances: 7 });
    expect(used).to.include({ instances: 7, vcpus: 7, memoryMib: 448 });
    expect((await store.instances.list({ project, limit: 100 })).rows).to.have.length(7);
    expect(await store.hosts.get(host)).to.include({ instances: 7 });
  });

  it("sums for the doctor what a project has beside what its quota counts", async () => {
    const [store, { id, host, project }] = [get(), names()];
    const totalsOf = async () => (await store.quotas.totals()).filter((one) => one.project === project);
    await store.commit({ hosts: [rows.inventory(host)] });
    expect(await totalsOf()).to.deep.equal([]);
    const commits = [1, 2].map((n) => birth(id(n), host, { project }));
    for (const commit of commits) await store.commit(commit);
    const both = { instances: 2, vcpus: 2, memoryMib: 128 };
    expect(await totalsOf()).to.deep.equal([{ project, used: both, counted: both }]);
    for (const { instances = [] } of commits)
      for (const { row } of instances) await store.commit(rows.changeTurn(rows.deleted(row, rows.wallMs)));
    const nothing = { instances: 0, vcpus: 0, memoryMib: 0 };
    expect(await totalsOf()).to.deep.equal([{ project, used: nothing, counted: nothing }]);
  });

  it("gives back what is deleted, once, in the commit that deletes it", async () => {
    const [store, { id, host, project }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)], quotas: [{ project, ...none, vcpus: 1 }] });
    const first = birth(id(1), host, { project });
    await store.commit(first);
    const exceeded = { kind: "quotaExceeded", resource: "vcpus", limit: 1, used: 1, asked: 1 };
    expect(await store.commit(birth(id(2), host, { project }))).to.deep.equal(exceeded);
    const row = rows.deleted(first.instances?.[0]?.row ?? rows.instance(id(1)), rows.wallMs);
    await store.commit(rows.changeTurn(row));
    await store.commit(rows.changeTurn(rows.next(row, { settled: false })));
    expect((await store.quotas.get(project)).used).to.include({ instances: 0, vcpus: 0, memoryMib: 0 });
    expect((await store.commit(birth(id(2), host, { project }))).kind).to.equal("committed");
  });

  it("numbers what is given back before the create that takes it, when both come at once", async () => {
    const [store, { id, host, project }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)], quotas: [{ project, ...none, instances: 1 }] });
    const first = birth(id(1), host, { project });
    await store.commit(first);
    const told = (name: string) => [rows.event(id(name === "deleted" ? 1 : 2), name, { project })];
    const row = rows.deleted(first.instances?.[0]?.row ?? rows.instance(id(1)), rows.wallMs);
    const [made, gone] = await Promise.all([
      store.commit({ ...birth(id(2), host, { project }), events: told("accepted") }),
      store.commit(rows.changeTurn(row, { events: told("deleted") })),
    ]);
    if (gone.kind !== "committed") throw new Error(`It was not deleted: ${gone.kind}.`);
    if (made.kind === "committed") expect(made.lastSequence).to.be.above(gone.lastSequence);
    else expect(made).to.include({ kind: "quotaExceeded", used: 1 });
  });

  it("counts the memory of all instances of one commit together", async () => {
    const [store, { id, host, project }] = [get(), names()];
    await store.commit({ hosts: [rows.inventory(host)], quotas: [{ project, ...none, memoryMib: 100 }] });
    const commits = [birth(id(1), host, { project }), birth(id(2), host, { project })];
    const both: Commit = { instances: commits.flatMap(({ instances = [] }) => instances) };
    const exceeded = { kind: "quotaExceeded", resource: "memoryMib", limit: 100, used: 0, asked: 128 };
    expect(await store.commit(both)).to.deep.equal(exceeded);
    expect((await store.quotas.get(project)).used).to.include({ instances: 0, vcpus: 0, memoryMib: 0 });
  });

  it("takes the default where a project has no limit of its own, and -1 for no limit at all", async () => {
    const [store, { id, host, project }] = [get(), names()];
    const other = `${project}-2`;
    await store.commit({
      hosts: [rows.inventory(host)],
      quotas: [
        { project: everyProject, ...none, instances: 0 },
        { project: other, ...none, instances: -1 },
      ],
    });
    const exceeded = { kind: "quotaExceeded", resource: "instances", limit: 0, used: 0, asked: 1 };
    expect(await store.commit(birth(id(1), host, { project }))).to.deep.equal(exceeded);
    expect((await store.commit(birth(id(2), host, { project: other }))).kind).to.equal("committed");
    await store.commit({ quotas: [{ project: everyProject, ...none }] });
    expect((await store.commit(birth(id(1), host, { project }))).kind).to.equal("committed");
    expect((await store.quotas.get(`${project}-3`)).limits).to.deep.equal(none);
  });
}

function aggregateContract(get: () => Store): void {
  it("keeps aggregates with their hosts, and shows each host its own", async () => {
    const [store, { id, host, project: name }] = [get(), names()];
    const made = {
      id: id(1),
      name,
      availabilityZone: "z1",
      metadata: { ssd: "true" },
      createdAtMs: rows.wallMs,
    };
    const key = { aggregateId: id(1), hostId: host };
    await store.commit({ hosts: [rows.inventory(host)] });
    await store.commit(rowsOf({ aggregates: [made] }));
    expect(await store.commit(rowsOf({ aggregates: [{ ...made, id: id(2) }] }))).to.deep.equal({
      kind: "nameTaken",
    });
    await store.commit({ aggregateHosts: [key] });
    expect((await store.commit({ aggregateHosts: [key] })).kind).to.equal("committed");
    expect(await called(store, aggregate, name)).to.deep.include(made);
    expect([...(await store.aggregates.hosts([id(1), id(2)]))]).to.deep.equal([[id(1), [host]]]);
    const { createdAtMs: _, ...seen } = made;
    expect((await store.hosts.get(host))?.aggregates).to.deep.equal([seen]);
    expect(await store.commit(rowsOf({ aggregatesRemoved: [id(1)] }))).to.deep.equal({ kind: "inUse" });
    const gone = { aggregateHostsRemoved: [key], ...rowsOf({ aggregatesRemoved: [id(1)] }) };
    await store.commit({ aggregateHostsRemoved: [key] });
    expect(await store.commit(gone)).to.deep.equal(rows.missing("host", host));
    expect((await store.commit(rowsOf({ aggregatesRemoved: [id(1)] }))).kind).to.equal("committed");
    expect((await store.hosts.get(host))?.aggregates).to.deep.equal([]);
  });

  it("changes an aggregate that is as it was read, and no other", async () => {
    const [store, { id, project: name }] = [get(), names()];
    const number = await store.rows.nextNumber(aggregate);
    expect(await store.rows.nextNumber(aggregate)).to.be.above(number);
    const first = {
      id: id(1),
      name,
      number,
      availabilityZone: "z1" as string | null,
      metadata: { a: "1" } as Record<string, string>,
    };
    const made = { ...first, createdAtMs: rows.wallMs, version: 1 };
    await store.commit(
      rowsOf({ aggregates: [made, { ...made, id: id(2), name: id(2), number: number + 1 }] }),
    );
    const change = (changed: Partial<typeof made>) =>
      store.commit(rowsOf({ aggregatesChanged: [{ ...made, ...changed }] }));
    const second = { ...made, metadata: {}, availabilityZone: null, version: 2 };
    expect((await change(second)).kind).to.equal("committed");
    expect(await called(store, aggregate, id(1))).to.deep.equal(second);
    expect(await change(second)).to.deep.equal({ kind: "conflict" });
    expect(await change({ id: id(9), version: 2 })).to.deep.equal({ kind: "conflict" });
    expect(await change({ name: id(2), version: 3 })).to.deep.equal({ kind: "nameTaken" });
    expect(await called(store, aggregate, id(1))).to.deep.equal(second);
  });

  it("knows each zone once, by name as well", async () => {
    const [store, { id, project: name }] = [get(), names()];
    const made = (n: number, availabilityZone: string | null) => ({
      ...{ id: id(n), name: `${name}-${n}`, availabilityZone, metadata: {} },
      createdAtMs: rows.wallMs,
    });
    await store.commit(
      rowsOf({
        aggregates: [made(1, `${name}-b`), made(2, `${name}-a`), made(3, `${name}-b`), made(4, null)],
      }),
    );
    const zones = await store.aggregates.zones({ limit: 1_000 });
    expect(zones.filter((zone) => zone.startsWith(name))).to.deep.equal([`${name}-a`, `${name}-b`]);
    expect(zones).to.deep.equal([...zones].sort());
    expect(await store.aggregates.zones({ name: `${name}-b`, limit: 1 })).to.deep.equal([`${name}-b`]);
    expect(await store.aggregates.zones({ name: `${name}-c`, limit: 1 })).to.deep.equal([]);
    expect(await store.aggregates.zones({ limit: 1 })).to.have.length(1);
  });
}
