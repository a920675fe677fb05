/**
 * Takes a read of all hosts into the scheduler's state. A read comes every second, and of ten thousand hosts
 * a few have changed: views that still match their record are kept, and so is what was derived from them.
 * Pure.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { HostRecord } from "../../records/host.ts";
import { FactsOfRead } from "./facts.ts";
import { chunkOf } from "./host-list.ts";
import type { SchedulerMessage } from "./messages.ts";
import {
  type HostView,
  type ReadHost,
  type SchedulerState,
  showsTheSame,
  viewIn,
  viewOf,
  withClaim,
} from "./state.ts";

/** The state with views of the records that were read, plus the claims that the read may not show. */
export function withHosts(
  state: SchedulerState,
  { hosts: records, readAtMs, wallMs }: Extract<SchedulerMessage, { kind: "refresh" }>,
): SchedulerState {
  const ordered = inOrder(records);
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const { lastSeenAtMs } of records) newestMs = Math.max(newestMs, lastSeenAtMs);
  const marks = { readAtMs, newestMs: Math.min(wallMs, newestMs) };
  const facts = new FactsOfRead();
  const changed = new Set<number>();
  const views = ordered.map((record, position) => {
    const before = viewIn(state, record.id);
    const heardAtMs = heardAt(record, before, marks);
    const known = before && showing(record, before, heardAtMs);
    if (known === undefined) changed.add(chunkOf(position));
    return known ?? viewOf(record, { heardAtMs, full: before?.full, room: before?.room }, facts);
  });
  const positions = positionsOf(state, views);
  const unchanged = (chunk: number) => positions === state.positions && !changed.has(chunk);
  const hosts = state.hosts.replaced(views, unchanged);
  const pending = state.pending.since(readAtMs);
  const readingSinceMs = state.readingSinceMs === readAtMs ? undefined : state.readingSinceMs;
  return withPending({ ...state, hosts, positions, pending, readAtMs, readingSinceMs }, 1);
}

/** The present view, if the record differs from it in nothing but signs of life; else undefined. */
function showing(record: ReadHost, before: HostView, heardAtMs: number): HostView | undefined {
  const { source, lastSeenAtMs } = before;
  if (source === undefined || !showsTheSame(source, record)) return undefined;
  if (heardAtMs === before.heardAtMs && record.lastSeenAtMs === lastSeenAtMs) return before;
  return { ...before, heardAtMs, lastSeenAtMs: record.lastSeenAtMs, source: record };
}

/** The records in order of id, as a store usually gives them. */
function inOrder(records: readonly HostRecord[]): readonly HostRecord[] {
  const isOrdered = records.every(({ id }, index) => index === 0 || (records[index - 1]?.id ?? "") < id);
  return isOrdered ? records : [...records].sort((left, right) => (left.id < right.id ? -1 : 1));
}

/** Positions by id; the present map when the hosts are the same, as nearly always. */
function positionsOf(state: SchedulerState, views: readonly HostView[]): SchedulerState["positions"] {
  const same =
    views.length === state.hosts.length && views.every(({ id }, index) => state.positions.get(id) === index);
  return same ? state.positions : new Map(views.map(({ id }, position) => [id, position]));
}

/**
 * When a host was last heard from. The host may talk to another controller: when the store's time of its last
 * sign of life moves, the host lives. For a host seen for the first time that time is compared with the
 * newest of all hosts, when some controller was listening last; while none was, no host was silent. A mistake
 * costs no more than one wrong candidate.
 */
function heardAt(
  record: HostRecord,
  before: HostView | undefined,
  { readAtMs, newestMs }: { readonly readAtMs: number; readonly newestMs: number },
): number {
  if (before !== undefined)
    return record.lastSeenAtMs === before.lastSeenAtMs
      ? before.heardAtMs
      : Math.max(before.heardAtMs, readAtMs);
  const ageMs = Math.max(0, newestMs - record.lastSeenAtMs);
  return ageMs <= leaseLimits.hostSilentMs ? readAtMs - ageMs : Number.NEGATIVE_INFINITY;
}

/** Adds all pending claims to the views, or (-1) takes them out again: one change for each host. */
export function withPending(state: SchedulerState, times: 1 | -1): SchedulerState {
  const changed = new Map<number, HostView>();
  for (const { hostId, amounts, sign } of state.pending) {
    const position = state.positions.get(hostId);
    if (position === undefined) continue;
    const view = changed.get(position) ?? state.hosts.at(position);
    if (view !== undefined) changed.set(position, withClaim(view, amounts, sign === times ? 1 : -1));
  }
  let { hosts } = state;
  for (const [position, view] of changed) hosts = hosts.with(position, view);
  return { ...state, hosts };
}
