/**
 * Limits of the lease of a host, on which hosts, guards and controllers must agree: two values of one of them
 * would be two owners (I2). They are never configured.
 */
export const leaseLimits = {
  /** Period of a host's reports (heartbeats). */
  heartbeatPeriodMs: 2_000,
  /** A host that was silent for this long is not alive: the scheduler passes over it. */
  hostSilentMs: 10_000,
  /**
   * A host lease lasts this long after its last renewal was sent, on the host's own monotonic clock. Five
   * heartbeats: four may be lost. A dead host is noticed after this time plus fenceMarginMs.
   */
  leaseTtlMs: 10_000,
  /**
   * How long after the end of a host lease a controller waits before it fences: for the guard's scan, for a
   * process on its way into the stop, and for clocks that run apart (1 % of 10 s is 100 ms).
   */
  fenceMarginMs: 2_000,
  /** Deeds of a guard in one report, and in one answer of the guard. */
  guardDeedsPageMax: 16,
} as const;
