/** Limits of the guard: when it looks, and how long its host waits for it. They are never configured. */
export const guardLimits = {
  /** While the lease has passed the guard looks again so often: a guest that appears late is stopped. */
  guardScanPeriodMs: 250,
  /** So long before the deadline the guard finds out whom it would stop. */
  guardWarningMs: 1_000,
  /** The guard waits so long for the shared storage to say whether a disk is there: then nobody can tell. */
  guardDiskLookMs: 1_000,
  /**
   * A guard that does not answer in this time is of no use: it takes a millisecond, and guardDiskLookMs when
   * it has to look first.
   */
  guardAnswerTimeoutMs: 3_000,
  /** From the start of a guard's process until it listens; two short starts of node, on a loaded machine. */
  guardStartTimeoutMs: 20_000,
  /** So often the guard looks whether its own directory is still there: without it nobody can find it. */
  guardHomeLookMs: 5_000,
  /** One message to or from the guard. */
  guardLineBytesMax: 4_096,
} as const;
