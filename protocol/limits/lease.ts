/**
 * Limits of the lease of a host, on which hosts, guards and controllers must agree: two values of one of them
 * would be two owners (I2). They are never configured.
 */
export const leaseLimits = {
  /** A host reports at this period. */
  heartbeatPeriodMs: 2_000,
  /** A host that was silent for so long is not alive: the scheduler passes it by. */
  hostSilentMs: 10_000,
  /**
   * A host's lease lasts so long after its last renewal was sent, by the host's own monotonic clock. Five
   * heartbeats: four may be lost. A dead host is noticed this and the margin later.
   */
  leaseTtlMs: 10_000,
  /**
   * Beyond the lease a controller waits so long before it fences: for the guard's scan, for a process on its
   * way into the stop, and for clocks that run apart (1 % of 10 s is 100 ms).
   */
  fenceMarginMs: 2_000,
} as const;
