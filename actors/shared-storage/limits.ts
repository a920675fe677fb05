/**
 * Limits of leases on shared storage, of those who witness them, and of looks at it. They are never
 * configured.
 */
export const sharedStorageLimits = {
  /** Hosts that have seen a host hold its lease on the storage, and may take it: one may be lost as well. */
  storageWitnessesMax: 2,
  /** Questions about such leases under way at once, from one controller. */
  storageLooksAtOnceMax: 50,
  /** A question that nobody answered is asked again after this time, of another host where there is one. */
  storageAskAgainMs: 5_000,
  /** Witnesses look again after this time: a storage may lose its locks, as by the loss of its server. */
  storageLookAgainMs: 30_000,
  /**
   * Renewals in a row that must have said that the lease on the storage is held: a late one, of the life of
   * an agent that is over, is alone.
   */
  storageRenewalsMin: 2,
  /** Questions about other hosts' leases that wait in one agent. */
  storageQuestionsMax: 16,
  /** A storage that has not answered in this time is not waited for. */
  storageAnswerTimeoutMs: 1_500,
  /** Instances in one page of what is on shared storage: some 60 KiB. */
  sharedDisksPageLength: 1_000,
} as const;
