/**
 * The limits of placement and what surrounds it: creates of many, groups, hints, what hosts say of
 * themselves, the scheduler. They are a part of `limits` in limits.ts; everybody reads them there.
 */
export const placementLimits = {
  /** Instances of one create: a turn of some 5 MB, which holds up other commits for a part of a second. */
  createCountMax: 1_000,
  /** Instances that the answer to one create has in full; of the others it has the ids. */
  createListedMax: 100,
  /** Members of a group that may be on one host, when its rule allows more than one. */
  groupMembersMax: 100_000,
  /** Members that a group's view lists. */
  groupMembersListedMax: 1_000,
  /** Instances named in one scheduler hint. */
  hintInstancesMax: 100,
  extraSpecsMax: 128,
  /** What a host says about itself: a CPU has about 150 flags, QEMU about 60 machine types. */
  hostLabelsMax: 64,
  hostFeaturesMax: 512,
  hostMachineTypesMax: 256,
  hostNumaNodesMax: 64,
  /** One thread is brought to its CPUs: a short process. */
  affinityTimeoutMs: 10_000,
  /** A guest's threads are looked at so often: those that begin meanwhile begin where their parents were. */
  affinityRoundsMax: 5,
  /**
   * Builds that fail in a row by a host's own fault, of two projects and two images at least, before it is
   * disabled. Nova's threshold is 10 as well.
   */
  failedBuildsMax: 10,
  /** No more than one in so many hosts is disabled for that; where there are fewer, one. */
  failingHostsShare: 3,

  /**
   * A controller writes renewals of leases at this distance at the least: a thousand hosts are 20 writes a
   * second then, each a flush of the disk, and not 200. The first waits for none; a host hears of another so
   * much later.
   */
  renewalPeriodMs: 50,
  /** After an outage in which nobody could be heard, hosts heard within this time count as alive. */
  outageForgivenMs: 60_000,
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
  /** Hosts offered for one placement, best first: a commit that finds one full takes the next. */
  candidatesMax: 10,
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
  /**
   * So many instances of one create are ranked one after the other; for more, all hosts are sorted once,
   * which costs as much as some dozens of rankings.
   */
  rankedOneByOneMax: 32,
  /** Hosts that a move of a rebalance is looked for from, most loaded first; and to, least loaded first. */
  rebalanceSourcesMax: 16,
  rebalanceTargetsMax: 64,
  /** Different requests whose denial is remembered as long as nothing about hosts changes. */
  denialsRememberedMax: 64,
  /** Instances are recovered in the order of it, the highest first. */
  recoveryPriorityMax: 1_000_000,
  /** Moves that one rebalance proposes at most, and unless it is said. */
  rebalanceMovesMax: 1_000,
  rebalanceMovesDefault: 10,
  /** A move that lowers the spread of the hosts' loads by less is not worth its trouble. */
  rebalanceGainMin: 0.001,
  /** Hosts of one name that are listed when a name is all that was said. */
  hostsOfOneNameMax: 10,
  /** Hosts that are drained are looked at in this period. */
  drainPeriodMs: 1_000,
  /** Instances that leave one host at once: each boots elsewhere meanwhile. */
  drainParallelismDefault: 4,
  drainParallelismMax: 100,
  /** Instances of a host that is drained whose ids its row remembers: some 40 KiB, read once a second. */
  drainRememberedMax: 1_000,
  /** Instances that cannot leave and are named in one answer; the others are counted. */
  drainListedMax: 100,
  /** Hosts explained in one answer: some 500 bytes each, and a denial is kept with its operation. */
  hostVerdictsMax: 50,
} as const;
