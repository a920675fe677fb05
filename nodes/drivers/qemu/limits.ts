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
   * Time for one QMP command after the greeting; it takes 0.3 ms, and a hanging QEMU must not hold up its
   * actor.
   */
  qmpCommandTimeoutMs: 5_000,
  /** One line of QMP. The longest answer this driver asks for has some hundred bytes. */
  qmpLineBytesMax: 1024 * 1024,
  /**
   * A broken QMP connection to a living guest is opened again after this time, then twice as long, up to the
   * maximum.
   */
  qmpReconnectBackoffMsMin: 10,
  qmpReconnectBackoffMsMax: 1_000,
  /**
   * How long a guest may take to give an interface back (100 ms, tried); then the interface is dead, and goes
   * with its process.
   */
  unplugPatienceMs: 5_000,
  /** How often it is looked whether it has. */
  unplugProbeMs: 50,
  /**
   * How long a guest may take to give a volume back, also one that is paused (100 ms, tried); then the volume
   * is taken from it, and its device fails whatever it asks.
   */
  detachPatienceMs: 30_000,
  /** It is asked again after this time: one that boots does not hear the first time. */
  detachRepeatMs: 5_000,
  /** How long QEMU may take to let go of a device that the guest has given back, or that was cut off. */
  closePatienceMs: 5_000,
  /** A guest that a full disk has stopped goes on at most once in this time. */
  fullDiskRetryMs: 10_000,
  /** How often a copy of a disk is looked at. */
  copyProbeMs: 250,
  /** How long QEMU may take to cancel a copy and to close its file (8 ms, tried). */
  copyEndMs: 5_000,
  /** How long QEMU may take to end after `quit` (8 ms, with a flush of its disks) before it is killed. */
  quitTimeoutMs: 2_000,
  /** From SIGKILL until the process is seen gone; a process in disk sleep may take long. */
  killTimeoutMs: 15_000,
  /**
   * Time for the tiny kernel to reach its marker under KVM: under 1 s where KVM works; where it does not, the
   * first start takes this much longer.
   */
  acceleratorProbeTimeoutMs: 6_000,
  /** Guests adopted at the same time when an agent starts. */
  adoptionsAtOnce: 16,
  /** Descriptors that one QEMU may have open; a guest with one disk needs some 40. */
  qemuOpenFilesMax: 1_024,
  /**
   * Length of a console's log, holes among it: a longer one is begun anew with the next start, before this.
   */
  consoleFileBytesMax: 16 * 1024 ** 3,
  consoleAnewBytes: 8 * 1024 ** 3,
  /**
   * Threads that one QEMU may have beside its vCPUs: its pool for disk accesses has 64, a few are always
   * there.
   */
  qemuThreadsMax: 128,
  /**
   * The same for a guest's user, where the guest has one of its own: more, because the bound of its cgroup,
   * which can tell that it was met, has to be met first.
   */
  qemuUserThreadsMax: 144,
  /** Moving one thread to its CPUs: the run of a short process. */
  affinityTimeoutMs: 10_000,
  /**
   * How often a guest's threads are looked at: a thread that starts meanwhile starts on its parent's CPUs.
   */
  affinityRoundsMax: 5,
} as const;
