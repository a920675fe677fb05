/** Limits of every process of ours. They are never configured. */
export const processLimits = {
  /** Largest log file of a process; one older file of the same size is kept. */
  logBytesMax: 8 * 1024 * 1024,
  /** After this time a process has started, and the memory that its start used can be freed. */
  startUpSettlesMs: 5_000,
} as const;
