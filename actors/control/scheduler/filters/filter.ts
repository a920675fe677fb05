/**
 * What a filter is. A filter is pure and knows nothing of the other filters. `prepare` works out once what it
 * needs of a request; its check, run for each of thousands of hosts, is a comparison or two and makes no
 * sentence and no object.
 */
import type { Amounts, PlacementRequest, Stored } from "../messages.ts";
import type { HostView } from "../state.ts";

/** A request at the moment of its ranking. */
export interface TimedRequest extends PlacementRequest {
  /** Monotonic. */
  readonly atMs: number;
}

/**
 * Number of members of the request's group by host, including those placed earlier in the same request: it
 * grows as many are placed.
 */
export type Members = ReadonlyMap<string, number>;

/**
 * Both are sentences without their full stop; the remedy says, as an order, what would make the host pass.
 */
export interface Refusal {
  readonly reason: string;
  readonly remedy: string;
}

/** Makes the sentences only when they are read: most refusals never are. */
export type Refuse = (host: HostView) => Refusal;
export type Check = (host: HostView) => true | Refuse;

/** How much it takes to make a refused host pass. Numbers, so that those of several filters add up. */
export const efforts = {
  /** Nothing but time. */
  waiting: 1,
  /** One command of an operator. */
  command: 2,
  /** Other hints, or another flavor. */
  asking: 3,
  /** Instances must leave, or a failure must be mended. */
  work: 4,
  /** Impossible for this host: it is of the wrong kind. */
  another: 50,
} as const;

interface Named {
  readonly name: string;
  readonly effort: number;
}

/** Looks at the host alone: its answer is known before any request. */
export interface HostFilter extends Named {
  readonly check: Check;
}

export interface RequestFilter extends Named {
  /**
   * Set when the filter is about one amount: it refuses hosts with less of it free than the request asks for.
   */
  readonly amount?: keyof Amounts;
  /** Ids of the only hosts that can pass, if the request names them. Undefined: any may. */
  only?(request: TimedRequest, members: Members): Iterable<string> | undefined;
  /** The check for a request. Undefined: the request does not concern this filter, and every host passes. */
  prepare(request: TimedRequest, members: Members, stored: Stored): Check | undefined;
}

export type Filter = HostFilter | RequestFilter;
