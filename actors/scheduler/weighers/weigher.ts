/**
 * What a weigher is. A weigher is pure and answers for any host, also one that a filter will refuse.
 *
 * Nova stretches each weigher's numbers over the hosts that are left, from 0 to 1. Here a weight is of the
 * host alone and lies between 0 and 1 by itself: so it does not change when another host comes or goes, one
 * claim changes one weight, and an explanation can be checked by hand. The order is Nova's for each weigher
 * alone; how they balance is for the multipliers.
 */
import type { Members, TimedRequest } from "../filters/filter.ts";
import type { HostView } from "../state.ts";

export type Weigh = (host: HostView) => number;

export interface Weigher {
  readonly name: string;
  /** What Nova calls it: the aggregates' metadata `<name>_weight_multiplier` may use either. */
  readonly novaName: string;
  /** Unless the configuration says otherwise. Below 0: the host with the lower weight is preferred. */
  readonly multiplier: number;
  /** Undefined: 0 for every host. */
  prepare(request: TimedRequest, members: Members): Weigh | undefined;
}

/** From 0 towards 1 as the count grows; one half at `half`. */
export const saturating = (count: number, half: number): number => count / (count + half);
