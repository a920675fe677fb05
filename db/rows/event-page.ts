/**
 * How far one page of events looks; the same for every store, so that every store answers with the same
 * `last`. Pure.
 */
import type { EventQuery } from "../../actors/ports/store.ts";
import { readLimits } from "./limits.ts";

/**
 * The last sequence number a page looks at. A filter that no index serves (a noun without an id) looks at a
 * bounded window, so that one page never reads a month of events; the reader goes on from `last`.
 */
export function lastOfPage(query: EventQuery, newest: number): number {
  const indexed = query.noun === undefined || query.id !== undefined;
  return indexed ? newest : Math.min(newest, query.after + readLimits.eventScanMax);
}
