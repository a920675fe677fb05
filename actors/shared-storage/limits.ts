/**
 * Limits of leases on shared storage, of those who witness them, and of looks at it. They are never
 * configured.
 */
export const sharedStorageLimits = {
  /** A look for disks without an owner that takes longer is given up: it reads every instance. */
  sweepRoundMsMax: 300_000,
  /**
   * Witnesses for one host: hosts that have seen it hold its storage lease, and may take it. Two, for one may
   * be lost as well.
   */
  storageWitnessesMax: 2,
  /** Questions about storage leases under way at once, from one controller. */
  storageLooksAtOnceMax: 50,
  /**
   * A question about a storage lease that was not answered is asked again after this time, of another host
   * where there is one.
   */
  storageAskAgainMs: 5_000,
  /**
   * Witnesses look again after this time: a storage may lose its locks, for instance when its server is lost.
   */
  storageLookAgainMs: 30_000,
  /**
   * Consecutive renewals that must have reported the storage lease as held: a late renewal of an agent that
   * has ended stands alone.
   */
  storageRenewalsMin: 2,
  /** Questions about other hosts' storage leases that wait in one agent. */
  storageQuestionsMax: 16,
  /** How long an answer of the shared storage is waited for. */
  storageAnswerTimeoutMs: 1_500,
  /** Disks in one page of the list of a shared storage: some 60 KiB. */
  sharedDisksPageLength: 1_000,
  /** Disks of one shared storage that are listed in all, in pages. A host that lists more is not believed. */
  sharedDisksListedMax: 200_000,
} as const;
