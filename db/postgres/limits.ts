/** Limits of the work with PostgreSQL: commits, connections, patience, pruning. They are never configured. */
export const postgresLimits = {
  /** Commits in one transaction: keeps its subtransactions in PostgreSQL's cache of 64. */
  commitBatchMax: 60,
  /**
   * Places in a batch that are kept for the line that is not first (commit-queue.ts), so that neither waits
   * for all of the other.
   */
  commitBatchOtherMin: 15,
  /** Text of the commits in one transaction; a create of 100 instances alone has about 200 KiB. */
  commitBatchBytesMax: 1024 * 1024,
  /** Commits waiting for their transaction before commands are answered RESOURCE_EXHAUSTED. */
  commitQueueMax: 20_000,
  /** Connections of a store that was not told how many it may open: one for commits, the rest for reads. */
  storeConnectionsMax: 6,
  /** Time for one SQL statement, enforced by the client and by PostgreSQL. */
  storeTimeoutMs: 4_000,
  /**
   * How long a call waits for PostgreSQL to come back. When PostgreSQL has been away for longer than this,
   * calls fail at once.
   */
  storePatienceMs: 4_000,
  /**
   * Time for the first connection of a process, longer because everything starts at once. A refused
   * connection fails at once.
   */
  storeOpenTimeoutMs: 20_000,
  /** PostgreSQL is tried again after this time, then twice as long each time, up to the maximum. */
  storeBackoffMsMin: 20,
  storeBackoffMsMax: 500,
  /** How long controllers that start at the same time wait for the one that migrates. */
  migrationTimeoutMs: 120_000,
  /** Rows that one pruning transaction removes: it must not hold up commits for longer than a few ms. */
  pruneBatchMax: 500,
} as const;
