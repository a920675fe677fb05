/**
 * The limits of placement and of what surrounds it: bulk creates, groups, hints, host inventories, the
 * scheduler. They are part of `limits` in limits.ts; read them there.
 */
export const placementLimits = {
  /** Instances of one create: a commit of some 5 MB, which holds up other commits for a part of a second. */
  createCountMax: 1_000,
  /** Instances that the answer to one create shows in full; for the others it has only the ids. */
  createListedMax: 100,
  /** Largest maxPerHost of a group: members that may be on one host when its policy allows more than one. */
  groupMembersMax: 100_000,
  /** Members that the view of a group lists. */
  groupMembersListedMax: 1_000,
  /** Instances named in one scheduler hint. */
  hintInstancesMax: 100,
  extraSpecsMax: 128,
  /** Largest lists in a host's inventory: a CPU has about 150 flags, QEMU about 60 machine types. */
  hostLabelsMax: 64,
  hostFeaturesMax: 512,
  hostMachineTypesMax: 256,
  hostNumaNodesMax: 64,
  /** Words that an `ensure` may say its agent must know; there are three. */
  agentNeedsMax: 32,
  /** One thread is brought to its CPUs: a short process. */
  affinityTimeoutMs: 10_000,
  /**
   * How often a guest's threads are looked at: a thread that starts meanwhile starts on its parent's CPUs.
   */
  affinityRoundsMax: 5,
  /**
   * Consecutive builds that fail through a host's own fault, of at least two projects and two images, before
   * the host is disabled. Nova's threshold is 10 as well.
   */
  failedBuildsMax: 10,
  /** At most one in this many hosts is disabled for failed builds; with fewer hosts, one. */
  failingHostsShare: 3,

  /**
   * Least time between two writes of host-lease renewals by one controller: a thousand hosts then are 20
   * writes a second, each a flush of the disk, and not 200. The first renewal does not wait; a later one is
   * answered later by up to this time.
   */
  renewalPeriodMs: 50,
  /** After an outage in which no host could be heard, hosts last heard within this time count as alive. */
  outageForgivenMs: 60_000,
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
  /** Hosts offered for one placement, best first: a commit that finds one full takes the next. */
  candidatesMax: 10,
  /**
   * Instances being built or moved on one host at once, unless an aggregate says otherwise: more than a
   * second's worth of creates. Nova's 8 is left to aggregates of hosts with slow disks.
   */
  hostIoOpsMax: 2_000,
  /** Instances on one host, unless an aggregate says otherwise: more than a real host holds. */
  hostInstancesMax: 50_000,
  /** Builds at once on a host for which the weigher gives half of its worst score: what Nova allows. */
  weigherIoOpsHalf: 8,
  /** Instances on a host for which the weigher gives half of its worst score: what Nova allows. */
  weigherInstancesHalf: 50,
  /**
   * Up to this many instances of one create are ranked one after the other; for more, all hosts are sorted
   * once, which costs as much as some dozens of rankings.
   */
  rankedOneByOneMax: 32,
  /**
   * Hosts among which a rebalance looks for sources of a move, most loaded first, and for targets, least
   * loaded first.
   */
  rebalanceSourcesMax: 16,
  rebalanceTargetsMax: 64,
  /** Different requests whose denial is remembered as long as no host changes. */
  denialsRememberedMax: 64,
  /** Highest recovery priority. Instances of higher priority are recovered first. */
  recoveryPriorityMax: 1_000_000,
  /** Moves that one rebalance proposes: at most, and when the request names no number. */
  rebalanceMovesMax: 1_000,
  rebalanceMovesDefault: 10,
  /** A move that lowers the spread of the hosts' loads by less than this is not worth its cost. */
  rebalanceGainMin: 0.001,
  /** Hosts listed when a name fits several hosts. */
  hostsOfOneNameMax: 10,
  /** Period at which hosts that are being drained are looked at. */
  drainPeriodMs: 1_000,
  /** Instances that leave one host at once; each of them boots on another host meanwhile. */
  drainParallelismDefault: 4,
  drainParallelismMax: 100,
  /** Instances of a host being drained whose ids its row remembers: some 40 KiB, read once a second. */
  drainRememberedMax: 1_000,
  /** Instances that cannot leave and are listed in one answer; the others are only counted. */
  drainListedMax: 100,
  /** Hosts explained in one answer: some 500 bytes each, and a denial is kept with its operation. */
  hostVerdictsMax: 50,
} as const;
