/**
 * Limits of a host's agent: its reports, its end, what it remembers and lets wait. They are never configured.
 */
export const hostLimits = {
  /** So long before its lease ends a host pauses what another host may take over, and begins nothing new. */
  leasePauseLeadMs: 1_000,
  /**
   * A host whose lease on the storage was taken asks nothing for so long: by then it is fenced by its silence
   * (leaseTtlMs and fenceMarginMs), if it was not before, and may ask for a new lease.
   */
  storageTakenQuietMs: 16_000,
  /** A host lists everything it has at this period, whether it changed or not. */
  inventoryPeriodMs: 30_000,
  /**
   * Reports of one host under way at once: a second one while the first waits for its commit, the rest
   * coalesce.
   */
  heartbeatsInFlightMax: 2,
  /** A passing state is reported after this time, when it has not passed: most of them are shorter. */
  passingReportDelayMs: 20,
  /** Observations in one report; below arrayLengthMax. */
  reportMachinesMax: 1_000,
  /** A host that reaches no controller tries again after this time, then twice as long, up to the maximum. */
  reportRetryMsMin: 100,
  reportRetryMsMax: 2_000,
  /** Machines a host remembers after they are gone, so that a late message cannot bring one back. */
  tombstonesMax: 10_000,
  /**
   * Ensures that may wait at one machine; the rest of its mailbox is kept for what its guest and effects say.
   */
  machineEnsuresMax: 100,
  /** Messages that may wait at a host: room for the end of every machine at once beside the questions. */
  hostMailboxLengthMax: 100_000,
  /** Time for all guests together to shut down when their host does, before they are halted. */
  hostShutdownGraceMs: 10_000,
  /** And for halting those that did not: their processes get SIGKILL in the end. */
  hostHaltMs: 10_000,
  /** The last reports of a host that ends; what was not heard is reported after its return. */
  hostFarewellMs: 2_000,
  /**
   * Callers that wait for console output of one host at once, and how often the log is looked at for them.
   */
  consoleWaitersMax: 256,
  consolePollMs: 100,
} as const;
