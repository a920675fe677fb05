/**
 * Removes from PostgreSQL what is older than its time to be kept, in batches of postgresLimits.pruneBatchMax,
 * each a transaction of its own. Where a commit could want the same rows, the batch locks `event_head` first,
 * as every commit does: the two can wait for each other, but never deadlock. db/memory/prune.ts has the same
 * rules.
 */
import { retentionLimits } from "../../protocol/limits/retention.ts";
import type { Database, Statement } from "./database.ts";
import { postgresLimits } from "./limits.ts";

const head = "head as materialized (select trimmed from event_head for update)";

const statements: readonly { readonly text: string; readonly keptMs: number }[] = [
  {
    keptMs: retentionLimits.requestKeptMs,
    text: `with gone as (
        delete from request where (project, request_id) in (
          select project, request_id from request where at_ms < $1 limit $2
        ) returning 1
      ) select count(*), count(*) from gone`,
  },
  {
    // A tombstone that still has a claim, or a port, is work in progress, and stays.
    keptMs: retentionLimits.tombstoneKeptMs,
    text: `with ${head}, old as materialized (
        select i.id from head, instance i
          where i.deleted_at_ms < $1 and not exists (select from claim c where c.instance_id = i.id)
            and coalesce(i.interfaces, '[]') = '[]' and coalesce(i.volumes, '[]') = '[]'
          order by i.deleted_at_ms limit $2
      ), gone as (delete from instance where id in (select id from old) returning 1),
      operations as (delete from operation where instance_id in (select id from old) returning 1),
      machines as (delete from machine where instance_id in (select id from old) returning 1)
      select (select count(*) from gone),
        (select count(*) from gone) + (select count(*) from operations) + (select count(*) from machines)`,
  },
  {
    keptMs: retentionLimits.operationKeptMs,
    text: `with ${head}, gone as (
        delete from operation where id in (
          select o.id from head, operation o where o.ended_at_ms < $1 order by o.ended_at_ms limit $2
        ) returning 1
      ) select count(*), count(*) from gone`,
  },
  {
    // Only from the beginning: what is kept has no gap.
    keptMs: retentionLimits.eventKeptMs,
    text: `with ${head}, oldest as materialized (
        select e.sequence, e.at_ms from head, event e where e.sequence > head.trimmed order by e.sequence limit $2
      ), upto as materialized (
        select coalesce(min(sequence) filter (where at_ms >= $1) - 1, max(sequence)) as last from oldest
      ), gone as (delete from event where sequence <= (select last from upto) returning 1),
      moved as (
        update event_head set trimmed = (select last from upto) where (select last from upto) > trimmed returning 1
      ) select count(*), count(*) + 0 * (select count(*) from moved) from gone`,
  },
];

/** Answers how many rows went. @throws UNAVAILABLE storeUnavailable */
export async function pruneDatabase(database: Database, nowMs: number): Promise<number> {
  let removed = 0;
  for (const { text, keptMs } of statements) {
    for (let full = true; full; ) {
      const [row] = await database.read(
        { text, values: [nowMs - keptMs, postgresLimits.pruneBatchMax] },
        "prune",
      );
      removed += Number(row?.[1]);
      full = Number(row?.[0]) >= postgresLimits.pruneBatchMax;
    }
  }
  await database.read(forgetWriters(nowMs), "prune");
  return removed;
}

/** Writers of processes that have long ended; one that is alive writes its row again. */
function forgetWriters(nowMs: number): Statement {
  return {
    text: "delete from commit_writer where at_ms < $1",
    values: [nowMs - retentionLimits.requestKeptMs],
  };
}
