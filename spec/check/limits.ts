/** Limits of a check of a plug-in. */
export const checkLimits = {
  /** Simulated time in which its filters and weighers take part, all runs together. */
  simulatedMs: 600_000,
  /** A run without end would be a fault of ours; each takes a minute or more of simulated time. */
  runsMax: 20,
  /** Runs after which guests must have started: where nothing is placed, more of them show nothing. */
  idleRunsMax: 2,
  /** Failures of one part that are told; the first of them say what is wrong. */
  failuresShownMax: 5,
} as const;
