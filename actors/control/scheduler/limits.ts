/**
 * Limits of the scheduler: its picture of the hosts, what it answers, and when a host counts as full of work.
 * What an operator may tune is in cluster.yaml.
 */
export const schedulerLimits = {
  /** The scheduler reads all hosts from the store at this period; in between it counts what it was told. */
  schedulerRefreshPeriodMs: 1_000,
  /** A read of the hosts that takes longer is given up and begun anew. */
  schedulerReadTimeoutMs: 5_000,
  /** Claims made since the last read that are remembered: more than one controller commits in two periods. */
  schedulerPendingMax: 20_000,
  /** Requests that wait for a fresh read because no host fits by the last one. */
  schedulerWaitingMax: 1_000,
  /** One question is answered in well under a millisecond: so many are a few seconds' work. */
  schedulerMailboxLengthMax: 10_000,
  /** After an outage in which nobody could be heard, hosts heard within this time count as alive. */
  outageForgivenMs: 60_000,
  /** Hosts offered for one placement, best first: a commit that finds one full takes the next. */
  candidatesMax: 10,
  /** Hosts explained in one answer: some 500 bytes each, and a denial is kept with its operation. */
  hostVerdictsMax: 50,
  /** Different requests whose denial is remembered as long as nothing about hosts changes. */
  denialsRememberedMax: 64,
  /**
   * So many instances of one create are ranked one after the other; for more, all hosts are sorted once,
   * which costs as much as some dozens of rankings.
   */
  rankedOneByOneMax: 32,
  /**
   * Instances that are built or moved on one host at once, unless an aggregate says otherwise: more than a
   * second's worth of creates. Nova's 8 is for an aggregate of hosts with slow disks to say.
   */
  hostIoOpsMax: 2_000,
  /** Instances of one host, unless an aggregate says otherwise: more than a real host holds. */
  hostInstancesMax: 50_000,
  /** So many builds at once on a host are half of the worst: what Nova allows. */
  weigherIoOpsHalf: 8,
  /** So many instances on a host are half of the worst: what Nova allows. */
  weigherInstancesHalf: 50,
  /** Hosts that a move of a rebalance is looked for from, most loaded first; and to, least loaded first. */
  rebalanceSourcesMax: 16,
  rebalanceTargetsMax: 64,
} as const;
