/** Limits of a compute node's process. They are never configured. */
export const computeLimits = {
  /** How often console logs are cut to consoleLogBytesMax; what comes meanwhile is the host's to keep. */
  consoleTrimPeriodMs: 5_000,
  /** Guests that boot at once, for each CPU of the node: more only makes all of them later. */
  bootsPerCpu: 2,
} as const;
