/**
 * What a filter is. A filter is pure and knows nothing of the other filters. What it needs of a request it
 * works out once, in `prepare`; what it then does for each of thousands of hosts is a comparison or two, and
 * makes no sentence and no object.
 */
import type { Amounts, PlacementRequest } from "../messages.ts";
import type { HostView } from "../state.ts";

/** A request at the moment of its ranking. */
export interface TimedRequest extends PlacementRequest {
  /** Monotonic. */
  readonly atMs: number;
}

/** Members of the request's group by host, with those supposed to be there: it grows as many are placed. */
export type Members = ReadonlyMap<string, number>;

/** Both are sentences without their full stop; the remedy is what would make the host pass, as an order. */
export interface Refusal {
  readonly reason: string;
  readonly remedy: string;
}

/** Makes the sentences only when somebody reads them, as most hosts are refused unread. */
export type Refuse = (host: HostView) => Refusal;
export type Check = (host: HostView) => true | Refuse;

/** How much it takes to make a refused host pass. Numbers, so that those of several filters add up. */
export const efforts = {
  /** Nothing: time does it. */
  waiting: 1,
  /** One command of an operator. */
  command: 2,
  /** Another wish, or another flavor. */
  asking: 3,
  /** Instances have to go, or a failure has to be mended. */
  work: 4,
  /** It is the wrong kind of host. */
  another: 50,
} as const;

interface Named {
  readonly name: string;
  readonly effort: number;
}

/** Looks at the host alone: its answer is known before anybody asks. */
export interface HostFilter extends Named {
  readonly check: Check;
}

export interface RequestFilter extends Named {
  /** When the filter is about one amount: a host with less of it free than is asked for is refused. */
  readonly amount?: keyof Amounts;
  /** When it is plain from the request: ids of the only hosts that can pass. Undefined: it is not plain. */
  only?(request: TimedRequest, members: Members): Iterable<string> | undefined;
  /** Undefined: nothing is asked for that this filter is about, and every host passes. */
  prepare(request: TimedRequest, members: Members): Check | undefined;
}

export type Filter = HostFilter | RequestFilter;
