/** The limits of storage that hosts share. They are a part of `limits`; everybody reads them there. */
export const storageLimits = {
  /**
   * How often a controller looks for disks that nobody owns on shared storage. They cost space and nothing
   * else, and to look reads every instance.
   */
  sweepPeriodMs: 600_000,
  /** Instances in one page of what is on shared storage: some 60 KiB. */
  sharedDisksPageLength: 1_000,
  /** Instances whose disks a host is told to remove at once: within its time for one question. */
  sharedDisksRemovedMax: 50,
} as const;
