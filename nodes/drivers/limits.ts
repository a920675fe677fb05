/** Limits of the files of guests, and of the tools that work on them. They are never configured. */
export const driverLimits = {
  /** Bytes of console text in one answer; the guest's log is paged. */
  consolePageBytesMax: 128 * 1024,
  /** Bytes of console log kept for one guest on its host. */
  consoleLogBytesMax: 1024 * 1024,
  /**
   * Bytes kept of what one QEMU process says on its standard error: the reason of a failure is among the last
   * lines.
   */
  processLogBytesMax: 64 * 1024,
  /** A half copy on shared storage that nobody has written to for so long is a dead host's. */
  sharedLeftoverMs: 600_000,
  /** What the tools that work on disks get to end. */
  diskToolTimeoutMs: 60_000,
  /** A disk that was taken over is locked until the guard of its last host has ended the process. */
  diskLockPatienceMs: 10_000,
  /** While a disk is locked, its guest's start is tried again after this time. */
  diskLockRetryMs: 250,
} as const;
