/** Versions of hosts in memory, as host.sql has them. */
import type { PageQuery } from "../../../actors/ports/pages.ts";
import type { Refusal, Tables, Work } from "../../rows/tables.ts";

export function applyExpected({ tables, commit, journal }: Work): Refusal | undefined {
  for (const { hostId, version } of commit.hostsExpected ?? []) {
    const host = tables.hosts.get(hostId);
    if (host?.version !== version) return { kind: "conflict" };
    tables.hosts.put(hostId, { ...host, version: version + 1 }, journal);
  }
  return undefined;
}

/** True when an operation of one of the hosts that the commit removes would stay under way. */
export function leavesWork({ tables, commit }: Pick<Work, "tables" | "commit">): boolean {
  const removed = new Set(commit.hostsRemoved?.map(({ hostId }) => hostId));
  if (removed.size === 0) return false;
  const ended = new Set(commit.operations?.flatMap(({ id, state }) => (state === "running" ? [] : [id])));
  return [...tables.operations.values()].some(
    ({ id, noun, entityId, state }) =>
      noun === "host" && state === "running" && removed.has(entityId) && !ended.has(id),
  );
}

/** Ids of hosts that are drained or have an operation under way. */
export function hostsAtWork(
  { hosts, operations }: Tables,
  { limit, marker = "" }: PageQuery,
): readonly string[] {
  const busy = [...operations.values()].filter(({ noun, state }) => noun === "host" && state === "running");
  const drained = [...hosts.values()].filter(({ draining }) => draining !== null);
  const ids = new Set([...busy.map(({ entityId }) => entityId), ...drained.map(({ id }) => id)]);
  return [...ids]
    .filter((id) => id > marker)
    .sort()
    .slice(0, limit);
}
