/** What a weigher is. A weigher is pure and answers for any host, also one that a filter will refuse. */
import type { TimedRequest } from "../filters/filter.ts";
import type { HostView } from "../state.ts";

export interface Weigher {
  readonly name: string;
  /** 0 (least wanted) to 1 (most wanted); the scheduler multiplies it by what the configuration says. */
  weigh(host: HostView, request: TimedRequest): number;
}

/** The part of the whole that would still be free afterwards, 0 to 1. */
export function freeShare(capacity: number, claimed: number, asked: number): number {
  if (capacity <= 0) return 0;
  return Math.min(1, Math.max(0, (capacity - claimed - asked) / capacity));
}
