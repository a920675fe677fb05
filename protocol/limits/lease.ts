/**
 * The limits of leases, of the guard, and of what proves that a host is lost. They are a part of `limits` in
 * limits.ts; everybody reads them there.
 */
export const leaseLimits = {
  /** While the lease has passed the guard looks again so often: a guest that appears late is stopped. */
  guardScanPeriodMs: 250,
  /** So long before the deadline the guard finds out whom it would stop. */
  guardWarningMs: 1_000,
  /** The guard waits so long for the shared storage to say whether a disk is there: then nobody can tell. */
  guardDiskLookMs: 1_000,
  /**
   * A guard that does not answer in this time is of no use: it takes a millisecond, and guardDiskLookMs when
   * it has to look first.
   */
  guardAnswerTimeoutMs: 3_000,
  /** From the start of a guard's process until it listens; two short starts of node, on a loaded machine. */
  guardStartTimeoutMs: 20_000,
  /** So often the guard looks whether its own directory is still there: without it nobody can find it. */
  guardHomeLookMs: 5_000,
  /** One message to or from the guard. */
  guardLineBytesMax: 4_096,
  /** A disk that was taken over is locked until the guard of its last host has ended the process. */
  diskLockPatienceMs: 10_000,
  /** While a disk is locked, its guest's start is tried again after this time. */
  diskLockRetryMs: 250,
  /** A host that was silent for so long is not alive: the scheduler passes it by. */
  hostSilentMs: 10_000,
  /**
   * A host's lease lasts so long after its last renewal was sent, by the host's own monotonic clock. Five
   * heartbeats: four may be lost. A dead host is noticed this and the margin later.
   */
  leaseTtlMs: 10_000,
  /** So long before its lease ends a host pauses what another host may take over, and begins nothing new. */
  leasePauseLeadMs: 1_000,
  /**
   * Beyond the lease a controller waits so long before it fences: for the guard's scan, for a process on its
   * way into the stop, and for clocks that run apart (1 % of 10 s is 100 ms).
   */
  fenceMarginMs: 2_000,
  /** A host whose power was off so short a while ago has not started again: none boots as fast. */
  powerProofMs: 2_000,
  /** Hosts that were heard from for the last time within this time were lost at once: one event took them. */
  lostAtOnceMs: 30_000,
  /** Of hosts that were lost one after the other, those of this time count together. */
  massFailureWindowMs: 300_000,
  /** Guests that are under way to another host at once, in a cell: their new hosts shall not drown. */
  recoveriesAtOnceMax: 20,

  /**
   * A host that was not heard from for so long is asked for at the storage: three renewals are missing. Later
   * than storageMissedMs by more than one renewal, so that hosts that were lost at once are all missed then.
   */
  storageTakeMs: 6_000,
  /** Missed: one renewal is late by more than a busy moment. Only for telling one lost host from many. */
  storageMissedMs: 3_500,
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
  /** For one lock: a few milliseconds, and the start of a tool on a busy machine. */
  storageLockTimeoutMs: 5_000,
  /** Tries for a lock that somebody looks at at that moment. */
  storageLockAttemptsMax: 5,
  storageLockRetryMs: 50,
  /**
   * A host whose lease on the storage was taken asks nothing for so long: by then it is fenced by its silence
   * (leaseTtlMs and fenceMarginMs), if it was not before, and may ask for a new lease.
   */
  storageTakenQuietMs: 16_000,
};
