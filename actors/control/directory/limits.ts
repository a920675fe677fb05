/** Limits of how a controller reads its hosts. They are never configured. */
export const directoryLimits = {
  /**
   * A round of reading that takes longer is given up. The store fails a call after eight seconds (patience,
   * and the time of a statement), and a round has two calls.
   */
  directoryRoundMsMax: 20_000,
} as const;
