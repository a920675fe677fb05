/**
 * Limits of what is asked about places: creates of many, groups, hints, drains and rebalances. Clients, API
 * and scheduler keep to the same, so they are never configured.
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
  /**
   * Builds that fail in a row by a host's own fault, of two projects and two images at least, before it is
   * disabled. Nova's threshold is 10 as well.
   */
  failedBuildsMax: 10,
  /** Instances are recovered in the order of it, the highest first. */
  recoveryPriorityMax: 1_000_000,
  /** Moves that one rebalance proposes at most, and unless it is said. */
  rebalanceMovesMax: 1_000,
  rebalanceMovesDefault: 10,
  /** Instances that leave one host at once: each boots elsewhere meanwhile. */
  drainParallelismDefault: 4,
  drainParallelismMax: 100,
  /** Instances that cannot leave and are named in one answer; the others are counted. */
  drainListedMax: 100,
} as const;
