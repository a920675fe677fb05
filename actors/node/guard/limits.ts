/** Limits of the guard: when it looks, and how long its host waits for it. They are never configured. */
export const guardLimits = {
  /** Period of the guard's scans once the host lease has ended: a guest that appears late is stopped, too. */
  guardScanPeriodMs: 250,
  /**
   * How long a guest may take to be seen stopped after its first SIGSTOP before it is killed: a few ms when
   * it is healthy, as long as its storage takes for one access when that is slow, and without end when the
   * storage hangs. Less than leaseLimits.fenceMarginMs: SIGKILL ends at once what is not in the kernel.
   */
  guardStopProofMs: 1_500,
  /** Shortest time between two looks at all processes of the computer; those at known guests need none. */
  guardSearchPauseMs: 200,
  /** Period of the guard's looks while a guest was told to stop and was not seen stopped yet. */
  guardProofPeriodMs: 20,
  /** How long before the deadline the guard looks up the guests that it would have to stop. */
  guardWarningMs: 1_000,
  /**
   * How long the guard waits for the shared storage to tell whether a disk is there; after it, nobody can
   * tell.
   */
  guardDiskLookMs: 1_000,
  /**
   * A guard that has not answered within this time counts as useless: an answer takes a millisecond, and
   * guardDiskLookMs when the guard has to look at disks first.
   */
  guardAnswerTimeoutMs: 3_000,
  /** From the start of a guard's process until it listens: two short starts of Node, on a loaded computer. */
  guardStartTimeoutMs: 20_000,
  /**
   * Period at which the guard looks for new guests while the host lease holds, and checks that its own
   * directory still exists: without it no agent can find the guard.
   */
  guardHomeLookMs: 5_000,
  /** Deeds that the guard remembers for its agent: the guests of a host, stopped and continued. */
  guardDeedsMax: 512,
  /** Most bytes of one message to or from the guard. */
  guardLineBytesMax: 4_096,
} as const;
