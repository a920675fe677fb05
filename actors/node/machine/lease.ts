/** The host lease, as the host's machines see it. Types only. */
/**
 * `unknown`: the agent has just started, and no controller has answered it yet; the guard decides about
 * running guests. `lapsed`: the host lease is about to end, or over, but nobody has said that the host was
 * fenced. `fenced`: the host was fenced.
 */
export interface Lease {
  readonly kind: "unknown" | "held" | "lapsed" | "fenced";
  readonly leaseEpoch: number;
}

export const noLease: Lease = { kind: "unknown", leaseEpoch: 0 };
