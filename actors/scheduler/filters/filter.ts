/**
 * What a filter is. A filter is pure, looks at one host and one request, and knows nothing of the other
 * filters.
 */
import type { PlacementRequest } from "../messages.ts";
import type { HostView } from "../state.ts";

/** A request at the moment of its ranking. */
export interface TimedRequest extends PlacementRequest {
  /** Monotonic. */
  readonly atMs: number;
}

/** A sentence without its full stop; made only when somebody reads it, as most hosts are refused unread. */
export type Refusal = () => string;

export interface Filter {
  readonly name: string;
  check(host: HostView, request: TimedRequest): true | Refusal;
}
