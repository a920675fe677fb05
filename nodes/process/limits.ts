/** Limits of every process of ours. They are never configured. */
export const processLimits = {
  /** A process's own log file; one older one of the same size is kept. */
  logBytesMax: 8 * 1024 * 1024,
  /** After this time a process's start is over, and what it left in memory can go. */
  startUpSettlesMs: 5_000,
} as const;
