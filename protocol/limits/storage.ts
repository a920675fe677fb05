/** Limits of shared storage and image files that several rooms must agree on. They are never configured. */
export const storageLimits = {
  /**
   * How often a controller looks for disks that nobody owns on shared storage. They cost space and nothing
   * else, and to look reads every instance.
   */
  sweepPeriodMs: 600_000,
  /** Instances whose disks a host is told to remove at once: within its time for one question. */
  sharedDisksRemovedMax: 50,
  /**
   * A registration has died when it has held a file for so long. Beyond the time above, with room for a clock
   * that was set and for a process that was paused.
   */
  imageHoldMs: 24 * 3_600_000,
} as const;
