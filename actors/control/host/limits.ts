/** Limits of a host's actor: its drain, its fence, its time in memory. They are never configured. */
export const hostLimits = {
  /** Period at which the actors of hosts with a drain or a fence under way are woken. */
  wakePeriodMs: 1_000,
  /** Instances of a host being drained whose ids its row remembers: some 40 KiB, read once a second. */
  drainRememberedMax: 1_000,
  /**
   * How long a drain waits for room when all that is left finds none: another host comes back within a
   * minute, and an instance that is deleted is gone.
   */
  drainPatienceMs: 60_000,
  /**
   * Instances that stay, by name and reason, in the sentence of a drain's operation; the others are counted.
   */
  stayNamedMax: 3,
  /** A host whose power was seen off this short a while ago has not started again: none boots as fast. */
  powerProofMs: 2_000,
  /**
   * Another controller goes on with a fence by power after this time: longer than a power controller is given
   * to switch a host off (powerOffTimeoutMs), so that no two controllers of novact talk to it at once.
   */
  powerTakeOverMs: 75_000,
  /** Host actors kept in memory by one controller; the least recently used idle one leaves first. */
  hostActorsMax: 2_000,
  /** How often idle host actors are looked for. */
  hostSweepMs: 5_000,
  /** A host actor without a message leaves memory after this time. */
  hostIdleMs: 60_000,
} as const;
