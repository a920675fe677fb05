/** Limits of the work with PostgreSQL: commits, connections, patience, pruning. They are never configured. */
export const postgresLimits = {
  /** Turns in one commit: keeps the subtransactions of a commit in PostgreSQL's cache of 64. */
  commitBatchMax: 60,
  /** Text of the turns in one commit; a create of 100 instances alone has about 200 KiB. */
  commitBatchBytesMax: 1024 * 1024,
  /** Turns waiting for a commit before commands are answered RESOURCE_EXHAUSTED. */
  commitQueueMax: 20_000,
  /**
   * Connections of one process to PostgreSQL: one for commits, the rest for reads; each costs about 10 MB
   * there.
   */
  storeConnectionsMax: 6,
  /** One statement may take so long, on either side. */
  storeTimeoutMs: 4_000,
  /**
   * How long a call waits for PostgreSQL to come back; when it has been away for longer, calls fail at once.
   */
  storePatienceMs: 4_000,
  /**
   * The first connection of a process may take longer: everything starts at once. A refused one fails at
   * once.
   */
  storeOpenTimeoutMs: 20_000,
  /** PostgreSQL is tried again after this time, then twice as long each time, up to the maximum. */
  storeBackoffMsMin: 20,
  storeBackoffMsMax: 500,
  /** Controllers that start at once wait so long for the one that migrates. */
  migrationTimeoutMs: 120_000,
  /**
   * Rows that one transaction of the pruning removes: it must not hold up commits for longer than a few ms.
   */
  pruneBatchMax: 500,
} as const;
