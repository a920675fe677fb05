/** Limits of a compute node's process. They are never configured. */
export const computeLimits = {
  /** Period at which console logs are cut to consoleLogBytesMax; in between they may grow beyond it. */
  consoleTrimPeriodMs: 5_000,
  /** Guests that boot at once for each CPU of the node: more would only delay all of them. */
  bootsPerCpu: 2,
  /** How long a host may take to begin with an image that this one offered: it asks anew after it. */
  peerTicketMs: 60_000,
  /** Characters of a text of a tool that a host says of itself; below observedTextLengthMax. */
  hostTextLengthMax: 1_024,
} as const;
