/** Limits of the bounds that a guest's processes have, and of the work with cgroups. Never configured. */
export const cgroupLimits = {
  /**
   * Memory that a guest's processes may use beside the guest's own: QEMU 7.2 without its guest's memory takes
   * 60 to 110 MiB here, with its caches of disk tables (32 MiB for each disk) and of translated code (32 MiB
   * and their index) filled.
   */
  overheadMib: 256,
  /** For each virtual CPU: a stack and what its device queues take. */
  vcpuOverheadMib: 8,
  /** One MiB more for so much of the guest's memory: its page tables (1/512), and bitmaps of what changed. */
  overheadEveryMib: 64,
  /**
   * CPUs that a guest's processes may use beside its virtual ones, for its disks and its network: their
   * threads are never held back in ordinary use.
   */
  spareCpus: 2,
  /** Period in which a cgroup's time is measured. Source: the kernel's own default. */
  cpuPeriodMs: 100,
  /** The weight of one virtual CPU, which is that of an ordinary thread, in version 1 and in version 2. */
  cpuSharesPerVcpu: 1_024,
  cpuWeightPerVcpu: 100,
  /** The largest weights. Source: the kernel's documentation of cgroups. */
  cpuSharesMax: 262_144,
  cpuWeightMax: 10_000,
  /** How often the processes of a cgroup are listed to be killed, where the kernel has no file for that. */
  killRoundsMax: 100,
  /** From the kill until a cgroup is seen empty; a process in disk sleep may take long. */
  emptyTimeoutMs: 15_000,
  /** Period of looking whether a cgroup is empty. */
  emptyProbePeriodMs: 3,
  /** Bytes of one line of the kernel's log. Source: PRINTK_MESSAGE_MAX of Linux (2,048), and its fields. */
  kernelLineBytesMax: 8_192,
  /** Lines of the kernel's log that are read at once; its memory holds some thousands. */
  kernelLinesMax: 100_000,
} as const;
