/**
 * Limits of the scheduler: its picture of the hosts, what it answers, and when a host counts as full of work.
 * What an operator may tune is in cluster.yaml.
 */
export const schedulerLimits = {
  /**
   * The scheduler reads all hosts from the store at this period; in between it counts the claims that it was
   * told of.
   */
  schedulerRefreshPeriodMs: 1_000,
  /** A read of all hosts that takes longer is given up and started again. */
  schedulerReadTimeoutMs: 5_000,
  /**
   * Claims since the last read that the scheduler remembers: more than one controller commits in two periods.
   */
  schedulerPendingMax: 20_000,
  /** Placements that wait for a fresh read because no host fits by the last one. */
  schedulerWaitingMax: 1_000,
  /**
   * Questions that wait at the scheduler. One is answered in well under a millisecond: these are a few
   * seconds' work.
   */
  schedulerMailboxLengthMax: 10_000,
  /**
   * A host that said that its disk is full is passed over for this long after it said so to this controller:
   * another controller may have heard since that there is room. The host itself refuses what does not fit.
   */
  fullBelievedMs: 20_000,
  /**
   * How much of its size a disk is taken to have written before its host has measured again: disks are thin,
   * and a guest that boots for the first time writes a part of its own.
   */
  newDiskWrittenShare: 1 / 16,
  /**
   * A disk that was placed counts as not yet measured for this long at least: its host makes it a moment
   * later, and measures every second.
   */
  roomSettlesMs: 5_000,
  /** After an outage in which no host could be heard, hosts last heard within this time count as alive. */
  outageForgivenMs: 60_000,
  /** Hosts offered for one placement, best first: a commit that finds one full takes the next. */
  candidatesMax: 10,
  /** Hosts explained in one answer: some 500 bytes each, and a denial is kept with its operation. */
  hostVerdictsMax: 50,
  /** Bytes of the facts of plug-ins in one explanation, as JSON; those of further hosts are left out. */
  explainedFactsBytesMax: 65_536,
  /** Different requests whose denial is remembered as long as no host changes. */
  denialsRememberedMax: 64,
  /**
   * Up to this many instances of one create are ranked one after the other; for more, all hosts are sorted
   * once, which costs as much as some dozens of rankings.
   */
  rankedOneByOneMax: 32,
  /**
   * Instances being built or moved on one host at once, unless an aggregate says otherwise: more than a
   * second's worth of creates. Nova's 8 is left to aggregates of hosts with slow disks.
   */
  hostIoOpsMax: 2_000,
  /** Instances on one host, unless an aggregate says otherwise: more than a real host holds. */
  hostInstancesMax: 50_000,
  /** A weigher's multiplier that an aggregate sets: Nova's largest default is as large. */
  multiplierMax: 1_000_000,
  /** Builds at once on a host for which the weigher gives half of its worst score: what Nova allows. */
  weigherIoOpsHalf: 8,
  /** Instances on a host for which the weigher gives half of its worst score: what Nova allows. */
  weigherInstancesHalf: 50,
  /**
   * Hosts among which a rebalance looks for sources of a move, most loaded first, and for targets, least
   * loaded first.
   */
  rebalanceSourcesMax: 16,
  rebalanceTargetsMax: 64,
  /** After this time a weigher of a plug-in that has failed is asked about the same hosts again. */
  failedWeigherRetryMs: 5_000,
  /** One line of the log in this time about each filter or weigher of a plug-in that fails. */
  faultLogPeriodMs: 60_000,
  /** The doctor tells of a filter or weigher that has failed within this time. */
  faultShownMs: 120_000,
} as const;
