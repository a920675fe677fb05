/** Limits that fill in what the configuration does not say. What an operator may tune is in cluster.yaml. */
export const configLimits = {
  /**
   * Memory of the computer that is not given to guests: the control plane's target is 300 MiB, the rest is
   * for the system.
   */
  controlPlaneMemoryMib: 768,
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
