/**
 * Limits of what is asked about places: creates of many, groups, hints, drains and rebalances. Clients, API
 * and scheduler keep to the same, so they are never configured.
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
  /**
   * Server groups of one project, judged in the commit that makes one. Each is a row that stays until its
   * project removes it.
   */
  serverGroupsPerProjectMax: 1_000,
  /** Instances named in one scheduler hint. */
  hintInstancesMax: 100,
  /**
   * Consecutive builds that fail through a host's own fault, of at least two projects and two images, before
   * the host is disabled. Nova's threshold is 10 as well.
   */
  failedBuildsMax: 10,
  /** Highest recovery priority. Instances of higher priority are recovered first. */
  recoveryPriorityMax: 1_000_000,
  /** Moves that one rebalance proposes: at most, and when the request names no number. */
  rebalanceMovesMax: 1_000,
  rebalanceMovesDefault: 10,
  /** Instances that leave one host at once; each of them boots on another host meanwhile. */
  drainParallelismDefault: 4,
  drainParallelismMax: 100,
  /** Instances that cannot leave and are listed in one answer; the others are only counted. */
  drainListedMax: 100,
  /** Most words in the `needs` of an `ensure`; three are defined. */
  agentNeedsMax: 32,
} as const;
