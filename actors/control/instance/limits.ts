/** Limits of an instance's actor: deadlines, tries of a build, time in memory. They are never configured. */
export const instanceLimits = {
  startTimeoutMs: 60_000,
  /** Pause, unpause, reset: one QMP round trip each. */
  verbTimeoutMs: 30_000,
  /** A volume may be copied from an image before it can be attached. */
  volumeTimeoutMs: 600_000,
  /**
   * Bytes of images that a host gets and writes at least: a network of 100 Mbit/s carries 11 MiB a second,
   * and a tool that unpacks on a busy computer is as slow.
   */
  fetchBytesPerSecondMin: 8 * 1024 ** 2,
  /** Hosts that get images from each other wait for their turns before, a second for so many bytes. */
  fetchTurnBytesPerSecondMin: 32 * 1024 ** 2,
  /** However large its disks are, no operation waits longer for them. */
  fetchTimeoutMsMax: 14_400_000,
  /** Longer than a guest is asked to give a volume back. */
  volumePatienceMs: 60_000,
  deleteTimeoutMs: 120_000,
  /** Hosts tried for one build, as in Nova (scheduler.max_attempts). */
  buildAttemptsMax: 3,
  /** Least time between two nudges of the same instance; doubles with every nudge, up to the maximum. */
  nudgeBackoffMsMin: 1_000,
  nudgeBackoffMsMax: 15_000,
  /** Instance actors kept in memory by one controller; the least recently used idle one leaves first. */
  instanceActorsMax: 20_000,
  /** What an event tells of a host's words: a sentence or two. */
  toldLengthMax: 512,
  /** How often idle instance actors are looked for. */
  passivateSweepMs: 5_000,
  /** An instance actor without a message leaves memory after this time. */
  passivateAfterMs: 20_000,
} as const;
