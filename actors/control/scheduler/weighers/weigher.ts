/**
 * What a weigher is. A weigher is pure and answers for any host, also one that a filter will refuse. It looks
 * at one amount of the request, at the host alone, or at the request's group.
 *
 * Nova scales each weigher's numbers over the remaining hosts, from 0 to 1. Here a weight depends on the host
 * alone and lies between -1 and 1: it does not change when another host is added or removed, one claim
 * changes one weight, and an explanation can be checked by hand. Each weigher alone orders hosts as Nova's
 * does; the multipliers set their balance.
 */
import type { Amounts, GroupPolicy } from "../messages.ts";
import type { HostView } from "../state.ts";

interface Named {
  readonly name: string;
  /** Nova's name: the aggregates' metadata `<name>_weight_multiplier` may use either. */
  readonly novaName: string;
  /** The default multiplier. Negative: hosts with a lower weight are preferred. */
  readonly multiplier: number;
}

/** Weighs by the share of an amount that would still be free after the request, 0 to 1. */
export interface FreeWeigher extends Named {
  readonly amount: keyof Amounts;
}

export interface HostWeigher extends Named {
  weigh(host: HostView): number;
}

/** Weighs for groups of one policy; 0 when no member is on the host. */
export interface GroupWeigher extends Named {
  readonly policy: GroupPolicy;
  /** The weight for this number of members on the host. */
  weighCount(members: number): number;
}

export type Weigher = FreeWeigher | HostWeigher | GroupWeigher;

/** From 0 towards 1 as the count grows; one half at `half`. */
export const saturating = (count: number, half: number): number => count / (count + half);
