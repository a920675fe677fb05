/**
 * Limits of the life of an instance that several rooms must agree on: deadlines of its operations, and
 * conflicts before a command is given up. They are never configured.
 */
export const lifeLimits = {
  /** Time for a guest to shut down by itself before it is halted. Nova's shutdown_timeout is 60 s as well. */
  stopTimeoutMsDefault: 60_000,
  stopTimeoutMsMax: 3_600_000,
  /**
   * From acceptance to a running guest. A TCG boot behind 100 others took 191 s here, but only QEMU's start
   * counts.
   */
  buildTimeoutMs: 120_000,
  /** Added to the deadlines of the host's own steps to make the deadline of an operation. */
  operationGraceMs: 15_000,
  /** Conflicts with another controller before a command is answered ABORTED. */
  commitAttemptsMax: 5,
} as const;
