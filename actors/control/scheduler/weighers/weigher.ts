/**
 * What a weigher is. A weigher is pure and answers for any host, also one that a filter will refuse. It looks
 * at one amount of the request, at the host alone, or at the request's group.
 *
 * Nova stretches each weigher's numbers over the hosts that are left, from 0 to 1. Here a weight is of the
 * host alone and lies between -1 and 1 by itself: so it does not change when another host comes or goes, one
 * claim changes one weight, and an explanation can be checked by hand. The order is Nova's for each weigher
 * alone; how they balance is for the multipliers.
 */
import type { Amounts, GroupPolicy } from "../messages.ts";
import type { HostView } from "../state.ts";

interface Named {
  readonly name: string;
  /** What Nova calls it: the aggregates' metadata `<name>_weight_multiplier` may use either. */
  readonly novaName: string;
  /** Unless the configuration says otherwise. Below 0: the host with the lower weight is preferred. */
  readonly multiplier: number;
}

/** Gives the part of the whole that would still be free with the request, 0 to 1. */
export interface FreeWeigher extends Named {
  readonly amount: keyof Amounts;
}

export interface HostWeigher extends Named {
  weigh(host: HostView): number;
}

/** For groups of one policy; gives 0 when no member is there. */
export interface GroupWeigher extends Named {
  readonly policy: GroupPolicy;
  /** By the number of members on the host. */
  weighCount(members: number): number;
}

export type Weigher = FreeWeigher | HostWeigher | GroupWeigher;

/** From 0 towards 1 as the count grows; one half at `half`. */
export const saturating = (count: number, half: number): number => count / (count + half);
