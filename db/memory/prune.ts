/**
 * Removes rows from memory that are older than their retention, by the rules of db/postgres/prune.ts for
 * PostgreSQL.
 */
import { retentionLimits } from "../../protocol/limits/retention.ts";
import { machineKey, requestKey, type Tables } from "../rows/tables.ts";
import { applyStorage } from "../rules/storage/memory.ts";

/** Prunes; answers how many rows were removed. */
export function pruneTables(tables: Tables, nowMs: number): number {
  return (
    pruneRequests(tables, nowMs - retentionLimits.requestKeptMs) +
    pruneTombstones(tables, nowMs - retentionLimits.tombstoneKeptMs) +
    pruneOperations(tables, nowMs - retentionLimits.operationKeptMs) +
    pruneEvents(tables, nowMs - retentionLimits.eventKeptMs)
  );
}

function pruneRequests({ requests }: Tables, before: number): number {
  const old = [...requests.values()].filter(({ atMs }) => atMs < before);
  for (const { project, requestId } of old) requests.delete(requestKey(project, requestId), []);
  return old.length;
}

/** A tombstone that still has a claim, or a port, is work in progress, and stays. */
function pruneTombstones(tables: Tables, before: number): number {
  const { instances, claims, machines, operations } = tables;
  const held = new Set([...claims.values()].map(({ instanceId }) => instanceId));
  const gone = new Set<string>();
  for (const row of [...instances.values()]) {
    const { id, deletedAtMs, interfaces, volumes } = row;
    if (deletedAtMs === null || deletedAtMs >= before || held.has(id)) continue;
    if (interfaces?.length || volumes?.length) continue;
    instances.delete(id, []);
    applyStorage({ tables, journal: [] }, row, undefined);
    gone.add(id);
  }
  let removed = gone.size;
  for (const { id, entityId } of [...operations.values()])
    if (gone.has(entityId) && operations.delete(id, [])) removed += 1;
  for (const key of [...machines.values()])
    if (gone.has(key.instanceId) && machines.delete(machineKey(key), [])) removed += 1;
  return removed;
}

function pruneOperations({ operations }: Tables, before: number): number {
  const old = [...operations.values()].filter(({ endedAtMs }) => endedAtMs !== null && endedAtMs < before);
  for (const { id } of old) operations.delete(id, []);
  return old.length;
}

/** Only from the beginning: what is kept has no gap. */
function pruneEvents(tables: Tables, before: number): number {
  const kept = tables.events.findIndex(({ atMs }) => atMs >= before);
  const removed = kept === -1 ? tables.events.length : kept;
  tables.events.splice(0, removed);
  tables.trimmed += removed;
  return removed;
}
