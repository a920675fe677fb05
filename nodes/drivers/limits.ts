/** Limits of the files of guests, and of the tools that work on them. They are never configured. */
export const driverLimits = {
  /** Bytes of console text in one answer; the guest's log is paged. */
  consolePageBytesMax: 128 * 1024,
  /** Bytes of console log kept for one guest on its host. */
  consoleLogBytesMax: 1024 * 1024,
  /** Files that are named of a directory in which a guest's process may make as many as it likes. */
  runtimeNamesMax: 200,
  /**
   * Bytes kept of the standard error of one QEMU process: the reason of a failure is among the last lines.
   */
  processLogBytesMax: 64 * 1024,
  /**
   * Processes whose arguments may be read at once, each by one of the four threads that a Node process has
   * for files: those that do not answer must leave some for other files.
   */
  argumentReadsMax: 2,
  /** How long a process may take to have its arguments read: a ms, unless it hangs. */
  argumentPatienceMs: 1_000,
  /** Patience of the guard with one process, whose arguments it reads again at the next look. */
  guardArgumentPatienceMs: 250,
  /**
   * A process that is younger than this may be on its way to its program: what it shows then is not
   * remembered.
   */
  youngProcessMs: 10_000,
  /** Bytes that each file of the guard's state has in advance: the state with 2,000 stopped guests. */
  guardStateBytes: 512 * 1024,
  /** Bytes that each file of the guard's deeds has in advance: all that the guard remembers. */
  guardDeedsBytes: 128 * 1024,
  /** Bytes kept free for the files of machines on a full disk; each of them is a multiple of this. */
  spareBytes: 8 * 1024,
  /** A partial copy on shared storage that was not written to for this long was left by a dead host. */
  sharedLeftoverMs: 600_000,
  /** What disks and images take is measured again after this time: it looks at each of these files. */
  usePeriodMs: 60_000,
  /** Time for one run of a tool that works on disks. */
  diskToolTimeoutMs: 60_000,
  /**
   * How long a start waits for a disk that was taken over: the disk stays locked until the guard of its last
   * host has ended the process.
   */
  diskLockPatienceMs: 10_000,
  /** Making a network namespace: the start of a short process. */
  namespaceTimeoutMs: 10_000,
  /** While a disk is locked, the start of its guest is tried again after this time. */
  diskLockRetryMs: 250,
} as const;
