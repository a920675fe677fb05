/** The lease of a host, as its machines see it. Types only. */
/**
 * `unknown`: the agent has just begun, and nobody has answered it yet; what runs is in the guard's hands.
 * `lapsed`: about to end, or over; nobody has said that it was fenced. `fenced`: it was.
 */
export interface Lease {
  readonly kind: "unknown" | "held" | "lapsed" | "fenced";
  readonly epoch: number;
}

export const noLease: Lease = { kind: "unknown", epoch: 0 };
