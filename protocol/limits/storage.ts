/** The limits of shared storage. They are part of `limits`; read them there. */
export const storageLimits = {
  /**
   * How often a controller looks for disks on shared storage that no instance owns. They cost only space, and
   * a look reads every instance.
   */
  sweepPeriodMs: 600_000,
  /** Disks in one page of the list of a shared storage: some 60 KiB. */
  sharedDisksPageLength: 1_000,
  /**
   * Disks that a host is told to remove in one request: as many as it removes within the time for one
   * question.
   */
  sharedDisksRemovedMax: 50,
} as const;
