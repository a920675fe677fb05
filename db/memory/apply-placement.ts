/** The steps of a commit about aggregates, server groups and quotas: what people make, change and remove. */
import { aggregateHostKey, type Refusal, type Work } from "../rows/tables.ts";
import { membersOf } from "../rules/group/memory.ts";
import { quotaOf } from "../rules/quota/memory.ts";
import { insertNamed, removeNamed, unjoinable } from "../rules/reference/memory.ts";
import { judgeZones } from "../rules/zone/memory.ts";

/** In the order of the fields in PlacementTurn. */
const steps: readonly ((work: Work) => Refusal | undefined)[] = [
  removeAggregates,
  makeAggregates,
  changeAggregates,
  moveHosts,
  judgeZones,
  removeGroups,
  makeGroups,
  countGroups,
  setQuotas,
];

export function applyPlacement(work: Work): Refusal | undefined {
  for (const step of steps) {
    const refusal = step(work);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function removeAggregates({ tables, commit, journal }: Work): Refusal | undefined {
  const held = new Set([...tables.aggregateHosts.values()].map(({ aggregateId }) => aggregateId));
  const kind = { table: tables.aggregates, noun: "aggregate", used: (id: string) => held.has(id) } as const;
  return removeNamed(kind, commit.aggregatesRemoved ?? [], journal);
}

function makeAggregates({ tables, commit, journal }: Work): Refusal | undefined {
  const made = commit.aggregates?.map(({ hostIds: _, ...row }) => row);
  return insertNamed({ table: tables.aggregates }, made, journal);
}

function changeAggregates({ tables, commit, journal }: Work): Refusal | undefined {
  for (const { aggregateId, availabilityZone, metadata = {} } of commit.aggregatesChanged ?? []) {
    const before = tables.aggregates.get(aggregateId);
    if (before === undefined) return { kind: "missing", noun: "aggregate", id: aggregateId };
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

/** A host that shall leave an aggregate is missing when it is not in it. */
function moveHosts({ tables, commit, journal }: Work): Refusal | undefined {
  for (const key of commit.aggregateHostsRemoved ?? [])
    if (!tables.aggregateHosts.delete(aggregateHostKey(key), journal))
      return { kind: "missing", noun: "host", id: key.hostId };
  const refusal = unjoinable(tables, commit);
  if (refusal !== undefined) return refusal;
  for (const key of commit.aggregateHosts ?? [])
    tables.aggregateHosts.put(aggregateHostKey(key), key, journal);
  return undefined;
}

function removeGroups({ tables, commit, journal }: Work): Refusal | undefined {
  const used = (id: string): boolean => membersOf(tables, id).length > 0;
  const kind = { table: tables.serverGroups, noun: "server-group", used } as const;
  return removeNamed(kind, commit.serverGroupsRemoved ?? [], journal);
}

function makeGroups({ tables, commit, journal }: Work): Refusal | undefined {
  return insertNamed(
    { table: tables.serverGroups, scope: ({ project }) => project },
    commit.serverGroups,
    journal,
  );
}

function countGroups({ tables, commit }: Work): Refusal | undefined {
  for (const { project, most } of commit.serverGroupsCounted ?? []) {
    const own = [...tables.serverGroups.values()].filter((group) => group.project === project);
    if (own.length > most) return { kind: "groupsFull", project, most };
  }
  return undefined;
}

function setQuotas({ tables, commit, journal }: Work): undefined {
  for (const { project, ...given } of commit.quotas ?? []) {
    const quota = quotaOf(tables, project);
    tables.quotas.put(project, { ...quota, limits: { ...quota.limits, ...given } }, journal);
  }
}
