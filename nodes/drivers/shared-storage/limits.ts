/** Limits of locks on files that hosts share. They are never configured. */
export const lockLimits = {
  /** For taking one lock: a few milliseconds, and the start of a tool on a busy computer. */
  storageLockTimeoutMs: 5_000,
  /** Tries for a lock that another host holds for a moment to look at it. */
  storageLockAttemptsMax: 5,
  storageLockRetryMs: 50,
} as const;
