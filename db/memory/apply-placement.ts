/**
 * The steps of a turn that are about aggregates, groups and quotas, with the outcomes of db/sql: what
 * is made and removed, what projects use, and the hard rules of groups.
 */
import type { QuotaRecord, QuotaTotal, QuotaUse } from "../../actors/records/placement.ts";
import { everyProject, quotaResources } from "../../protocol/quota.ts";
import { deletingOf, groupedOf, sumOfUse, type Usage, usageOf, useOf } from "../rows/placement-turn.ts";
import { aggregateHostKey, type Refusal, type Tables, type Work } from "./tables.ts";

const missing = (noun: "aggregate" | "host" | "server-group", id: string): Refusal => ({
  kind: "missing",
  noun,
  id,
});

/** In the order of the fields in PlacementTurn. */
const steps: readonly ((work: Work) => Refusal | undefined)[] = [
  removeAggregates,
  makeAggregates,
  changeAggregates,
  moveHosts,
  judgeZones,
  removeGroups,
  makeGroups,
  setQuotas,
];

export function applyPlacement(work: Work): Refusal | undefined {
  for (const step of steps) {
    const refusal = step(work);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function removeAggregates({ tables, turn, journal }: Work): Refusal | undefined {
  const removed = turn.aggregatesRemoved ?? [];
  const used = [...tables.aggregateHosts.values()].some(({ aggregateId }) => removed.includes(aggregateId));
  if (used) return { kind: "inUse" };
  for (const id of removed) if (!tables.aggregates.delete(id, journal)) return missing("aggregate", id);
  return undefined;
}

function makeAggregates({ tables, turn, journal }: Work): Refusal | undefined {
  for (const { hostIds: _, ...row } of turn.aggregates ?? []) {
    const taken = [...tables.aggregates.values()].some(({ id, name }) => id === row.id || name === row.name);
    if (taken) return { kind: "nameTaken" };
    tables.aggregates.put(row.id, row, journal);
  }
  return undefined;
}

function changeAggregates({ tables, turn, journal }: Work): Refusal | undefined {
  for (const { aggregateId, availabilityZone, metadata = {} } of turn.aggregatesChanged ?? []) {
    const before = tables.aggregates.get(aggregateId);
    if (before === undefined) return missing("aggregate", aggregateId);
    const pairs = Object.entries({ ...before.metadata, ...metadata }).flatMap(([key, value]) =>
      value === null ? [] : [[key, value] as const],
    );
    const after = {
      ...before,
      availabilityZone: availabilityZone === undefined ? before.availabilityZone : availabilityZone,
      metadata: Object.fromEntries(pairs),
    };
    tables.aggregates.put(aggregateId, after, journal);
  }
  return undefined;
}

function moveHosts({ tables, turn, journal }: Work): Refusal | undefined {
  for (const key of turn.aggregateHostsRemoved ?? [])
    if (!tables.aggregateHosts.delete(aggregateHostKey(key), journal)) return missing("host", key.hostId);
  const joining = turn.aggregateHosts ?? [];
  for (const { aggregateId } of joining)
    if (tables.aggregates.get(aggregateId) === undefined) return missing("aggregate", aggregateId);
  for (const { hostId } of joining)
    if (tables.hosts.get(hostId) === undefined) return missing("host", hostId);
  for (const key of joining) tables.aggregateHosts.put(aggregateHostKey(key), key, journal);
  return undefined;
}

/** A host is in one zone at most. */
function judgeZones({ tables, turn }: Work): Refusal | undefined {
  if (turn.aggregateHosts === undefined && turn.aggregatesChanged === undefined) return undefined;
  const zones = new Map<string, Set<string>>();
  for (const { aggregateId, hostId } of tables.aggregateHosts.values()) {
    const zone = tables.aggregates.get(aggregateId)?.availabilityZone ?? null;
    if (zone !== null) zones.set(hostId, (zones.get(hostId) ?? new Set()).add(zone));
  }
  const [twice] = [...zones]
    .filter(([, names]) => names.size > 1)
    .map(([hostId]) => hostId)
    .sort();
  return twice === undefined ? undefined : { kind: "zoneConflict", hostId: twice };
}

function removeGroups({ tables, turn, journal }: Work): Refusal | undefined {
  const removed = turn.serverGroupsRemoved ?? [];
  if (removed.some((id) => membersOf(tables, id).length > 0)) return { kind: "inUse" };
  for (const id of removed) if (!tables.serverGroups.delete(id, journal)) return missing("server-group", id);
  return undefined;
}

function makeGroups({ tables, turn, journal }: Work): Refusal | undefined {
  for (const row of turn.serverGroups ?? []) {
    const taken = [...tables.serverGroups.values()].some(
      ({ id, project, name }) => id === row.id || (project === row.project && name === row.name),
    );
    if (taken) return { kind: "nameTaken" };
    tables.serverGroups.put(row.id, row, journal);
  }
  return undefined;
}

function setQuotas({ tables, turn, journal }: Work): undefined {
  for (const { project, ...given } of turn.quotas ?? []) {
    const quota = quotaOf(tables, project);
    tables.quotas.put(project, { ...quota, limits: { ...quota.limits, ...given } }, journal);
  }
}

/** A project that nobody heard of has no limit and uses nothing. */
export function quotaOf(tables: Tables, project: string): QuotaRecord {
  const none = { instances: null, vcpus: null, memoryMib: null };
  const nothing = { instances: 0, vcpus: 0, memoryMib: 0 };
  return tables.quotas.get(project) ?? { project, limits: none, used: nothing };
}

/** Of every project with a quota or an instance that is not deleted, in order. */
export function quotaTotalsOf(tables: Tables): readonly QuotaTotal[] {
  const nothing = { instances: 0, vcpus: 0, memoryMib: 0 };
  const counted = new Map<string, QuotaUse>();
  for (const row of tables.instances.values())
    if (row.deletedAtMs === null)
      counted.set(row.project, sumOfUse(counted.get(row.project) ?? nothing, useOf(row)));
  const quotas = [...tables.quotas.values()].map(({ project }) => project);
  const projects = [...new Set([...quotas, ...counted.keys()])].sort();
  return projects.map((project) => {
    const { used } = quotaOf(tables, project);
    return { project, used, counted: counted.get(project) ?? nothing };
  });
}

/** Before the instances are written, for it compares with what they were. */
export function applyUse({ tables, turn, journal }: Work): Refusal | undefined {
  for (const id of deletingOf(turn)) {
    const before = tables.instances.get(id);
    if (before === undefined || before.deletedAtMs !== null) continue;
    const quota = quotaOf(tables, before.project);
    const { instances, vcpus, memoryMib } = sumOfUse(quota.used, useOf(before), -1);
    const used = {
      instances: Math.max(0, instances),
      vcpus: Math.max(0, vcpus),
      memoryMib: Math.max(0, memoryMib),
    };
    tables.quotas.put(before.project, { ...quota, used }, journal);
  }
  for (const usage of usageOf(turn)) {
    const quota = quotaOf(tables, usage.project);
    const refusal = beyond(tables, quota, usage);
    if (refusal !== undefined) return refusal;
    tables.quotas.put(usage.project, { ...quota, used: sumOfUse(quota.used, usage) }, journal);
  }
  return undefined;
}

function beyond(tables: Tables, { limits, used }: QuotaRecord, asked: Usage): Refusal | undefined {
  const defaults = quotaOf(tables, everyProject).limits;
  for (const resource of quotaResources) {
    const limit = limits[resource] ?? defaults[resource] ?? -1;
    if (limit < 0 || asked[resource] === 0 || used[resource] + asked[resource] <= limit) continue;
    return { kind: "quotaExceeded", resource, limit, used: used[resource], asked: asked[resource] };
  }
  return undefined;
}

/** After everything is written: where the members of a group are now, those of this turn included. */
export function applyGroups({ tables, turn }: Work): Refusal | undefined {
  const grouped = groupedOf(turn);
  for (const { instanceId, hostId, groupId } of grouped) {
    const group = tables.serverGroups.get(groupId);
    const others = placesOf(tables, groupId, instanceId);
    const here = others.filter((place) => place.hostId === hostId).length;
    const broken =
      (group?.policy === "anti-affinity" && here >= (group.maxPerHost ?? 1)) ||
      (group?.policy === "affinity" && others.length > here);
    if (broken) return { kind: "groupRule", hostId, groupId };
  }
  return undefined;
}

/** Once for each member and host: it is its host's, or, while it has none, where its claims are. */
export function placesOf(tables: Tables, groupId: string, except: string | undefined) {
  const members = membersOf(tables, groupId).filter(({ id }) => id !== except);
  const leaving = new Map<string, Set<string>>();
  for (const { id, hostId } of members) if (hostId === null) leaving.set(id, new Set());
  if (leaving.size > 0)
    for (const claim of tables.claims.values()) leaving.get(claim.instanceId)?.add(claim.hostId);
  return members.flatMap(({ id, hostId }) =>
    hostId === null ? [...(leaving.get(id) ?? [])].map((one) => ({ hostId: one })) : [{ hostId }],
  );
}

/** In order of their ids. */
export function membersOf(tables: Tables, groupId: string) {
  return [...tables.instances.values()].filter(
    (instance) => instance.serverGroupId === groupId && instance.deletedAtMs === null,
  );
}
