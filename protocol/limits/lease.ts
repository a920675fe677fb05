/**
 * The limits of host leases, storage leases and the guard, and of the proofs that a host is lost. They are
 * part of `limits` in limits.ts; read them there.
 */
export const leaseLimits = {
  /** Period of the guard's scans once the host lease has ended: a guest that appears late is stopped, too. */
  guardScanPeriodMs: 250,
  /** How long before the deadline the guard looks up the guests that it would have to stop. */
  guardWarningMs: 1_000,
  /**
   * How long the guard waits for the shared storage to tell whether a disk is there; after it, nobody can
   * tell.
   */
  guardDiskLookMs: 1_000,
  /**
   * A guard that has not answered within this time counts as useless: an answer takes a millisecond, and
   * guardDiskLookMs when the guard has to look at disks first.
   */
  guardAnswerTimeoutMs: 3_000,
  /** From the start of a guard's process until it listens: two short starts of Node, on a loaded computer. */
  guardStartTimeoutMs: 20_000,
  /**
   * Period at which the guard checks that its own directory still exists: without it no agent can find the
   * guard.
   */
  guardHomeLookMs: 5_000,
  /** Most bytes of one message to or from the guard. */
  guardLineBytesMax: 4_096,
  /**
   * How long a start waits for a disk that was taken over: the disk stays locked until the guard of its last
   * host has ended the process.
   */
  diskLockPatienceMs: 10_000,
  /** While a disk is locked, the start of its guest is tried again after this time. */
  diskLockRetryMs: 250,
  /** A host that was silent for this long is not alive: the scheduler passes over it. */
  hostSilentMs: 10_000,
  /**
   * A host lease lasts this long after its last renewal was sent, on the host's own monotonic clock. Five
   * heartbeats: four may be lost. A dead host is noticed after this time plus fenceMarginMs.
   */
  leaseTtlMs: 10_000,
  /**
   * How long before the end of its host lease a host pauses the guests that another host may take over, and
   * starts no more of them.
   */
  leasePauseLeadMs: 1_000,
  /**
   * How long after the end of a host lease a controller waits before it fences: for the guard's scan, for a
   * process on its way into the stop, and for clocks that run apart (1 % of 10 s is 100 ms).
   */
  fenceMarginMs: 2_000,
  /** A host whose power was seen off this short a while ago has not started again: none boots as fast. */
  powerProofMs: 2_000,
  /**
   * Hosts that were last heard from within this time of each other were lost at once: one event took them.
   */
  lostAtOnceMs: 30_000,
  /** Hosts that were lost one after the other within this time count together as one mass failure. */
  massFailureWindowMs: 300_000,
  /**
   * Guests under way to another host at once, in the whole cell (the deployment): their new hosts must not be
   * overrun.
   */
  recoveriesAtOnceMax: 20,

  /**
   * After this silence of a host, its storage lease is asked about: three renewals are missing. Later than
   * storageMissedMs by more than one renewal, so that hosts that were lost at once are all missed by then.
   */
  storageTakeMs: 6_000,
  /**
   * After this silence a host counts as missed: one renewal is late by more than a busy moment. Used only to
   * tell one lost host from many.
   */
  storageMissedMs: 3_500,
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
  /** For taking one lock: a few milliseconds, and the start of a tool on a busy computer. */
  storageLockTimeoutMs: 5_000,
  /** Tries for a lock that another host holds for a moment to look at it. */
  storageLockAttemptsMax: 5,
  storageLockRetryMs: 50,
  /**
   * A host whose storage lease was taken renews nothing for this long: by then it is fenced for its silence
   * (leaseTtlMs and fenceMarginMs), if it was not before, and may ask for a new host lease.
   */
  storageTakenQuietMs: 16_000,
};
