/** Limits of containers, of their shims and of the tools that make their disks. They are never configured. */
export const containerLimits = {
  /** Bytes of console text in one answer, written as JSON. */
  consolePageBytesMax: 128 * 1024,
  /** Bytes of one file of a console's log. */
  consoleSegmentBytesMax: 512 * 1024,
  /** Files that are kept of a console's log: a mebibyte is always there to be read. */
  consoleSegmentsMax: 3,
  /** What a container may write to its console in a second; its writes wait when it wants more. */
  consoleBytesPerSecondMax: 1024 * 1024,
  /** Open files of one process in a container. */
  openFilesMax: 65_536,
  /** User ids of one container. */
  uidsOfOne: 65_536,
  /** Period at which the driver looks whether containers live and what became of them. */
  lookPeriodMs: 250,
  /** Period at which a wait for a kernel's effect looks whether it is there. */
  proofPeriodMs: 10,
  /** Time for a shim to say that its container runs. */
  startMsMax: 30_000,
  /** Time for a shim to answer a press of a button. */
  answerMsMax: 10_000,
  /** From the kill until the driver gives up waiting for the end. */
  killMsMax: 15_000,
  /** Time for one image to become a disk. */
  extractionMsMax: 120_000,
  /** Address space of the tool that reads an image, and its processor time. */
  extractionMemoryBytes: 512 * 1024 * 1024,
  extractionProcessorSeconds: 60,
  /** What an image's first process may be told: words of the command line. */
  commandWordsMax: 64,
  /** Bytes of shared memory (/dev/shm) in a container; they count as its memory. */
  sharedMemoryBytes: 64 * 1024 * 1024,
} as const;
