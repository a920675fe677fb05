/**
 * How far one page of events looks; the same for every store, so that every store answers with the same
 * `last` and `nextBefore`. Pure.
 */
import type { EventPage, EventQuery } from "../../actors/ports/event-reads.ts";
import type { Event } from "../../protocol/event.ts";
import { readLimits } from "./limits.ts";

/** The sequence numbers that a page looks at: those above `above`, up to `upTo`. */
export interface EventWindow {
  readonly above: number;
  readonly upTo: number;
}

/** What is kept: the newest number, and the number up to which nothing is. */
export interface Kept {
  readonly newest: number;
  readonly trimmed: number;
}

/**
 * The window of a page. A filter that no index serves (nouns or names of events without an id) looks at a
 * bounded part, so that one page never reads a month of events; the reader goes on behind it.
 */
export function windowOf(query: EventQuery, { newest, trimmed }: Kept): EventWindow {
  const judged = (query.nouns ?? query.names) !== undefined && query.id === undefined;
  const most = judged ? readLimits.eventScanMax : Number.MAX_SAFE_INTEGER;
  if (query.order !== "newest") return { above: query.after, upTo: Math.min(newest, query.after + most) };
  const upTo = Math.min(newest, (query.before ?? Number.MAX_SAFE_INTEGER) - 1);
  return { above: Math.max(query.after, trimmed, upTo - most), upTo };
}

export function eventPageOf(events: readonly Event[], query: EventQuery, kept: Kept): EventPage {
  const { above, upTo } = windowOf(query, kept);
  const { newest, trimmed } = kept;
  const end = events.length === query.limit ? events.at(-1)?.sequence : undefined;
  if (query.order !== "newest") return { events, last: end ?? upTo, trimmed };
  const nextBefore = end ?? above + 1;
  const more = nextBefore - 1 > Math.max(query.after, trimmed);
  return { events, last: newest, trimmed, ...(more ? { nextBefore } : {}) };
}

/**
 * The last event that is earlier than a time, by halving: numbers rise with time, but for the clocks of
 * controllers, so that `sinceMs` has to be early enough. Nothing kept is earlier: `trimmed`.
 */
export function lastBefore(
  sinceMs: number,
  { newest, trimmed }: Kept,
  atMsOf: (sequence: number) => number,
): number {
  let [low, high] = [trimmed, newest];
  while (low < high) {
    const middle = Math.floor((low + high + 1) / 2);
    if (atMsOf(middle) < sinceMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** From which on events count as late enough to be looked at. */
export const earliest = (sinceMs: number): number => Math.max(0, sinceMs - readLimits.clocksApartMsMax);
