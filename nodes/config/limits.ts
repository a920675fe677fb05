/** Limits that fill in what the configuration does not say. What an operator may tune is in cluster.yaml. */
export const configLimits = {
  /** Bytes of cluster.yaml: a thousand nodes, each with all its keys, are half of it. */
  fileBytesMax: 1024 * 1024,
  /** Faults of the YAML that are told: the first of them mostly causes the others. */
  faultsToldMax: 20,
  /** Aliases of parts that have aliases in them, one after the other: each may be as deep as a file. */
  aliasChainMax: 5,
  /** Levels of lists, maps and their pairs in it: whoever walks through calls himself for each. */
  levelsMax: 200,
  /** Nodes that aliases (`*NAME`) stand for in one file, each as often as it is named. */
  aliasesMax: 10_000,
  /**
   * Memory of the computer that its nodes do not offer to guests unless they say what they reserve: for the
   * system, for PostgreSQL and NATS together, for each controller, and for agent and guard of each node.
   * After 10,000 creates within a minute PostgreSQL and NATS had 66 MiB each, the controller 512, and each of
   * two agents 128. But never more than the share of all memory below: a small computer runs guests, too.
   */
  systemMemoryMib: 512,
  serversMemoryMib: 256,
  controllerMemoryMib: 512,
  agentMemoryMib: 128,
  ownMemoryShareMax: 1 / 2,
  /**
   * Connections of a controller's actors to PostgreSQL: one for commits, the rest for reads; each costs about
   * 10 MB there.
   */
  actorsConnectionsMax: 6,
  /**
   * Connections of a controller's safety channel to PostgreSQL: for commits, for renewals, for the read of
   * the hosts, and for a host that asks anew.
   */
  safetyConnectionsMax: 4,
  /**
   * Connections to a PostgreSQL of our own beside those of controllers: three that PostgreSQL keeps for its
   * superuser, people's, a backup's, and those of a controller that has just been killed.
   */
  otherConnectionsMax: 40,
} as const;
