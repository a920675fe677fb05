/** The bounds of the driver. */
export const macvtapLimits = {
  toolMsMax: 20_000,
  /** What is kept of a tool's output: some hundred bytes for each macvtap of the computer. */
  toolOutputBytesMax: 8 * 1024 * 1024,
  comparePeriodMs: 60_000,
  /** Nodes that began together do not look together. */
  compareJitterMs: 10_000,
} as const;
