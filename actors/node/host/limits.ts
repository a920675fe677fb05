/**
 * Limits of a host's agent: its reports, its end, what it remembers and lets wait. They are never configured.
 */
export const hostLimits = {
  /**
   * How long before the end of its host lease a host pauses the guests that another host may take over, and
   * starts no more of them.
   */
  leasePauseLeadMs: 1_000,
  /**
   * A host whose storage lease was taken renews nothing for this long: by then it is fenced for its silence
   * (leaseTtlMs and fenceMarginMs), if it was not before, and may ask for a new host lease.
   */
  storageTakenQuietMs: 16_000,
  /** Period at which a host looks at its storages of volumes; a look may list what is on them. */
  volumeStoragesLookPeriodMs: 15_000,
  volumeStoragesRoundMsMax: 10_000,
  /** How long a look, and the first registration, waits for storages that do not answer. */
  volumeStoragesAwaitedMs: 2_000,
  /** A storage whose size has changed by no more than this share is no news: some count what is free. */
  volumeStorageNewsShare: 0.05,
  /** Volumes in one page of the list of a storage. */
  volumesPageLength: 200,
  /** Removals of volumes that one answer tells: the controller waits three seconds for the answer. */
  volumesRemovalMsMax: 2_000,
  /** Copies of volumes that the host has under way, or of which nobody has heard how they ended. */
  volumeCopiesMax: 100,
  /** Period at which a host lists all its machines, changed or not. */
  inventoryPeriodMs: 30_000,
  /**
   * Reports of one host under way at once: a second one while the first waits for its commit; further ones
   * are merged.
   */
  heartbeatsInFlightMax: 2,
  /** A passing state is reported only when it lasts longer than this; most are shorter. */
  passingReportDelayMs: 20,
  /** Observations in one report; below arrayLengthMax. */
  reportMachinesMax: 1_000,
  /** Files of one directory that the answer of an audit names. */
  auditFilesMax: 100,
  /** A host that reaches no controller tries again after this time, then twice as long, up to the maximum. */
  reportRetryMsMin: 100,
  reportRetryMsMax: 2_000,
  /** Machines that a host remembers after they are gone, so that a late message cannot bring one back. */
  tombstonesMax: 10_000,
  /**
   * `ensure` messages that may wait at one machine; the rest of its mailbox is kept for messages of its guest
   * and its effects.
   */
  machineEnsuresMax: 100,
  /**
   * Messages that may wait at a host's actor: room for the ends of all machines at once, beside the requests.
   */
  hostMailboxLengthMax: 100_000,
  /** Time for all guests together to shut down when their host does, before they are halted. */
  hostShutdownGraceMs: 10_000,
  /** Time for halting the guests that did not shut down: in the end their processes get SIGKILL. */
  hostHaltMs: 10_000,
  /**
   * Time for the last reports of an agent that ends; what no controller heard is reported after its return.
   */
  hostFarewellMs: 2_000,
  /** Callers that wait for output of one guest's console at once: more than people and programs follow it. */
  consoleWaitersPerGuestMax: 32,
  /**
   * The same of all guests of a host: controllers ask for less for any one project. The agent works on some
   * more requests for consoles at once (peerRequestsAtWorkMax), which read without waiting.
   */
  consoleWaitersMax: 3_500,
  /** Period at which the logs are read for those who wait. */
  consolePollMs: 100,
  /** When who was refused for too many waits shall ask again. */
  consoleRetryAfterMs: 1_000,
  /**
   * Period at which a host asks for what it has to know of networks, whatever it was told: a change of which
   * it did not hear is applied after this time at the latest.
   */
  networkPullPeriodMs: 15_000,
  /** The same after a round that failed. */
  networkRetryMs: 1_000,
  /** After a guest is plugged in, others often follow: they share a question. */
  networkHurryMs: 20,
  /** How long a guest's start waits for what the guest is to be told of its ports. */
  networkPictureMsMax: 30_000,
  /** Pause after a round while there is always a reason to ask again: less than a host's budget allows. */
  networkHurryMsMax: 100,
  /** A round takes the time of one question, and of applying the largest picture; then it is given up. */
  networkRoundMsMax: 30_000,
  /** Whoever asks what has passed a port, within this time after another one has, is told the same. */
  trafficAgeMsMax: 1_000,
  /** After this time nobody waits for such a reading any more. */
  trafficReadMsMax: 10_000,
  /** Period of adding up for the meter what has passed all ports. */
  trafficPeriodMs: 15_000,
  /** Deeds of the guard that are older than this are not reported any more. */
  guardDeedAgeMsMax: 3_600_000,
  /**
   * A copy of a root disk passes at this speed, its holes as well: at full speed a guest's own writes fell to
   * a tenth, and at this one not at all (QEMU 7.2).
   */
  copySecondBytesMax: 64 * 1024 ** 2,
  /** Copies that are asked for at once: one of them is made, the others wait. */
  copiesMax: 64,
  /** A copy that no controller has asked for so long is removed; they ask every second. */
  copyForgottenMs: 1_800_000,
  /** How often a copy is begun anew because its machine needed the disk. */
  copyAttemptsMax: 3,
} as const;
