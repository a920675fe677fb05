/** Limits of locks on files that hosts share. They are never configured. */
export const lockLimits = {
  /** For one lock: a few milliseconds, and the start of a tool on a busy machine. */
  storageLockTimeoutMs: 5_000,
  /** Tries for a lock that somebody looks at at that moment. */
  storageLockAttemptsMax: 5,
  storageLockRetryMs: 50,
} as const;
