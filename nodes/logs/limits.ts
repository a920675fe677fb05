/** Limits of reading logs. They are never configured. */
export const logLimits = {
  /** Lines that one look keeps; the oldest are left out. */
  linesKeptMax: 100_000,
  /** Period at which the files are looked at again while they are followed. */
  followPeriodMs: 500,
} as const;
