/** Limits of a controller's two threads. They are never configured. */
export const controllerLimits = {
  /**
   * Connections of the safety channel to PostgreSQL: one for its commits, one for renewals, one for the read
   * of the hosts, one for a host that asks anew.
   */
  safetyConnectionsMax: 4,
  /** Time for the safety channel's thread to hear hosts: PostgreSQL and NATS may start at the same time. */
  safetyStartMsMax: 60_000,
  /** Young memory of the safety channel's thread: more would hold garbage most of the time. */
  safetyYoungMemoryMib: 4,
  /** How long the halves of all controllers have to answer an operator's question for what they do. */
  debugGatherMs: 1_000,
  /** How long such an answer waits for the number of the last event. */
  debugReadMs: 500,
  /** Answers taken to one question: controllers are a few in each cell. */
  debugHalvesMax: 200,
  /** Actors that an answer lists. */
  debugActorsMax: 50,
  debugDidLengthMax: 200,
  /** A half that has not answered for so long is not missed any more. */
  debugRememberedMs: 3_600_000,
  /** How long the answers to a roll call are waited for: one round trip, on a computer that is busy. */
  rollCallMs: 500,
  /** Roll calls at once; a further one names this controller alone. */
  rollCallsMax: 16,
  /** Controllers that a roll call names. */
  controllersHeardMax: 100,
} as const;
