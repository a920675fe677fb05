/**
 * Pages of instances, operations and events in memory: the same rows and the same markers as the statements
 * of db/postgres/list-statements.ts and event-statements.ts answer, for the same walks
 * (db/rows/list-page.ts). Reads only.
 */
import type { EventPage, EventQuery } from "../../actors/ports/event-reads.ts";
import type { InstanceQuery } from "../../actors/ports/instance-reads.ts";
import type { OperationQuery } from "../../actors/ports/operation-reads.ts";
import type { OrderedQuery, Page } from "../../actors/ports/pages.ts";
import type { InstanceRecord, OperationRecord } from "../../actors/records/instance.ts";
import type { Event } from "../../protocol/event.ts";
import { earliest, eventPageOf, lastBefore, windowOf } from "../rows/event-page.ts";
import {
  type InstanceWalk,
  instanceWalk,
  metMax,
  operationWalk,
  pageOf,
  type Walk,
} from "../rows/list-page.ts";
import { nameMatcher } from "../rows/name-pattern.ts";
import { storable } from "../rows/storable.ts";
import type { Table } from "../rows/table.ts";
import type { Tables } from "../rows/tables.ts";

type Judge<V> = (row: V) => boolean;

interface Listing<V> {
  readonly query: OrderedQuery;
  readonly walk: Pick<Walk<string>, "judged">;
  /** Whether the walk meets a row at all. */
  readonly meets: Judge<V>;
  readonly passes: Judge<V>;
}

function listing<V extends { readonly id: string }>(
  table: Table<V>,
  { query, walk, meets, passes }: Listing<V>,
): Page<V> {
  const { order, marker, limit } = query;
  const met: { rows: number; last: string | undefined } = { rows: 0, last: undefined };
  const rows: V[] = [];
  for (const row of order === "newest" ? table.before(marker) : table.after(marker)) {
    if (rows.length >= limit || met.rows >= metMax(query, walk)) break;
    if (!meets(row)) continue;
    met.rows += 1;
    met.last = row.id;
    if (passes(row)) rows.push(row);
  }
  return pageOf(rows, ({ id }) => id, { query, walk, met });
}

/** Judges by a filter of several values: true when it is not given, or has one of these values. */
function any(wanted: readonly string[] | undefined): (...values: readonly (string | null)[]) => boolean {
  if (wanted === undefined) return () => true;
  const given = new Set<string | null>(wanted.map(storable));
  return (...values) => values.some((value) => given.has(value));
}

export function pageOfInstances(table: Table<InstanceRecord>, query: InstanceQuery): Page<InstanceRecord> {
  const walk = instanceWalk(query);
  const { project, deleted } = query;
  const along = instanceJudges[walk.by](walk.values);
  const meets = (row: InstanceRecord): boolean =>
    (project ?? row.project) === row.project && (deleted === true || row.deletedAtMs === null) && along(row);
  return listing(table, { query, walk, meets, passes: instanceJudge(query) });
}

type Given = readonly string[] | undefined;

const judgeBy =
  <V>(keyOf: (row: V) => string | null) =>
  (wanted: Given): Judge<V> => {
    const has = any(wanted);
    return (row) => has(keyOf(row));
  };

/** By what an instance is met along a walk. */
const instanceJudges: Readonly<Record<InstanceWalk["by"], (wanted: Given) => Judge<InstanceRecord>>> = {
  ids: judgeBy(({ id }) => id),
  names: judgeBy(({ name }) => name),
  hosts: judgeBy(({ hostId }) => hostId),
  groups: judgeBy(({ serverGroupId }) => serverGroupId),
  states: judgeBy(({ state }) => state),
  all: () => () => true,
};

function instanceJudge(query: InstanceQuery): Judge<InstanceRecord> {
  const { namePattern, createdAfterMs = 0, createdBeforeMs = Number.POSITIVE_INFINITY } = query;
  const { changedSinceMs = 0, metadata = {}, locked } = query;
  const matches = namePattern === undefined ? () => true : nameMatcher(storable(namePattern));
  const pairs = Object.entries(metadata).map(([key, value]) => [storable(key), storable(value)] as const);
  const [flavor, image] = [any(query.flavors), any(query.images)];
  const lists = [
    instanceJudges.ids(query.ids),
    instanceJudges.names(query.names),
    instanceJudges.states(query.states),
    instanceJudges.hosts(query.hostIds),
    instanceJudges.groups(query.serverGroupIds),
  ];
  return (row) =>
    lists.every((passes) => passes(row)) &&
    flavor(row.flavor.id, row.flavor.name) &&
    image(row.image.id, row.image.name) &&
    matches(row.name) &&
    pairs.every(([key, value]) => row.metadata[key] === value) &&
    row.createdAtMs >= createdAfterMs &&
    row.createdAtMs < createdBeforeMs &&
    row.updatedAtMs >= changedSinceMs &&
    (locked ?? row.lock !== null) === (row.lock !== null);
}

export function pageOfOperations(
  table: Table<OperationRecord>,
  query: OperationQuery,
): Page<OperationRecord> {
  const walk = operationWalk(query);
  const { project, noun, sinceMs = 0 } = query;
  const [ofEntity, inState, ofKind] = [any(query.entityIds), any(query.states), any(query.kinds)];
  const running = walk.by === "running" || walk.by === "entitiesRunning";
  const named = walk.by === "entities" || walk.by === "entitiesRunning";
  const meets = (row: OperationRecord): boolean =>
    (project ?? row.project) === row.project &&
    (!named || (ofEntity(row.entityId) && (noun ?? row.noun) === row.noun)) &&
    (!running || row.state === "running");
  const passes = (row: OperationRecord): boolean =>
    (noun ?? row.noun) === row.noun && inState(row.state) && ofKind(row.kind) && row.startedAtMs >= sinceMs;
  return listing(table, { query, walk, meets, passes });
}

export function pageOfEvents({ events: all, trimmed, lastSequence }: Tables, query: EventQuery): EventPage {
  const kept = { newest: lastSequence, trimmed };
  const at = (sequence: number): Event | undefined => all[sequence - trimmed - 1];
  const { sinceMs } = query;
  const since =
    sinceMs === undefined
      ? query.after
      : lastBefore(earliest(sinceMs), kept, (sequence) => at(sequence)?.atMs ?? 0);
  const asked = { ...query, after: Math.max(query.after, since) };
  const { above, upTo } = windowOf(asked, kept);
  const window = all.slice(Math.max(0, above - trimmed), Math.max(0, upTo - trimmed));
  const concerned = eventJudge(query);
  const events: Event[] = [];
  for (const event of query.order === "newest" ? window.reverse() : window) {
    if (events.length === query.limit) break;
    if (concerned(event)) events.push(event);
  }
  return eventPageOf(events, asked, kept);
}

function eventJudge({ project, nouns, id, names, sinceMs = 0 }: EventQuery): Judge<Event> {
  const [noun, name] = [any(nouns), any(names)];
  return (event) =>
    (project ?? event.project) === event.project &&
    (id ?? event.id) === event.id &&
    noun(event.noun) &&
    name(event.event) &&
    event.atMs >= sinceMs;
}
