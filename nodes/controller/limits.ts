/** Limits of a controller's two threads. They are never configured. */
export const controllerLimits = {
  /** Time for the safety channel's thread to hear hosts: PostgreSQL and NATS may start at the same time. */
  safetyStartMsMax: 60_000,
  /**
   * The thread of the safety channel says so often that its event loop turns. The controller's other thread
   * counts its own turns of this length without a word: a process that was paused as a whole, or two threads
   * that wait for the same CPU, do not look like a thread that hangs.
   */
  safetyBeatPeriodMs: 1_000,
  /**
   * So many turns without a word end the controller. Half of a host lease: of the hosts whose renewals went
   * to the stuck thread, most have asked another controller before their leases end.
   */
  safetyBeatsMissedMax: 5,
  /** Time for a thread that hangs to be ended; one that is stuck in the kernel takes the process with it. */
  safetyEndMsMax: 3_000,
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
  /** How long it is taken for true where the other controllers give the bytes of images. */
  imageDoorsKnownMs: 10_000,
} as const;
