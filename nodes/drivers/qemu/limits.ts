/**
 * Limits of the work with QEMU: QMP, the ends of processes, threads and their CPUs. They are never
 * configured.
 */
export const qemuLimits = {
  /**
   * From QEMU's start to its QMP greeting: 100 at once on two cores took 28 s here, one alone takes 30 ms.
   */
  qmpGreetingTimeoutMs: 45_000,
  /**
   * One QMP command on a socket that has greeted; it takes 0.3 ms, and a hanging QEMU shall not hold its
   * actor.
   */
  qmpCommandTimeoutMs: 5_000,
  /** One line of QMP. The longest answer this driver asks for has some hundred bytes. */
  qmpLineBytesMax: 1024 * 1024,
  /**
   * A connection to a living guest that broke is tried again after this time, then twice as long, up to the
   * maximum.
   */
  qmpReconnectBackoffMsMin: 10,
  qmpReconnectBackoffMsMax: 1_000,
  /**
   * What QEMU gets to end by itself after `quit` (it takes 8 ms, and flushes its disks) before it is killed.
   */
  quitTimeoutMs: 2_000,
  /** From SIGKILL until the process is seen gone; a process in disk sleep may take long. */
  killTimeoutMs: 15_000,
  /**
   * The tiny kernel reaches its marker in under 1 s where KVM works; where it does not, this is what the
   * first start pays.
   */
  acceleratorProbeTimeoutMs: 6_000,
  /** Guests adopted at the same time when an agent starts. */
  adoptionsAtOnce: 16,
  /** One thread is brought to its CPUs: a short process. */
  affinityTimeoutMs: 10_000,
  /** A guest's threads are looked at so often: those that begin meanwhile begin where their parents were. */
  affinityRoundsMax: 5,
} as const;
