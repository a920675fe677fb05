/** Limits of every process of ours. They are never configured. */
export const processLimits = {
  /** Largest file that is read for a password. */
  secretFileBytesMax: 1_024,
  /** Largest log file of a process; one older file of the same size is kept. */
  logBytesMax: 8 * 1024 * 1024,
  /** Time for a file system to tell its room; one that takes longer is not judged. */
  spaceAnswerMs: 1_000,
  /** After this time a process has started, and the memory that its start used can be freed. */
  startUpSettlesMs: 5_000,
  /** How long a process that hears a signal waits for a word of `up`, which may have heard it too. */
  upSaysWithinMs: 500,
} as const;
