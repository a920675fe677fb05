/** Limits of sinks: events at once, and how long a sink may be away before somebody hears of it. */
export const sinkLimits = {
  /** Events in one call of a sink. */
  deliveredEventsMax: 100,
  /** Bytes of the events in one call, as JSON; a single larger event goes alone. */
  deliveredBytesMax: 262_144,
  /** How often a sink that has everything looks for more. */
  lookPeriodMs: 1_000,
  /** Length of a round while there are more events: the end of each round shows that the loop works. */
  roundMs: 10_000,
  /** A call of a sink that takes longer is aborted. */
  deliverMsMax: 30_000,
  /** After a call that failed; doubled with each further one, up to the second. */
  backoffMsMin: 1_000,
  backoffMsMax: 60_000,
  /**
   * For so long behind a delivery or a pause no other controller takes the sink over; a controller that is
   * lost for longer is replaced.
   */
  heldAfterMs: 30_000,
  /** A sink that has failed for longer than this is a finding of the doctor. */
  failingShownMs: 60_000,
  /** For so long the doctor tells of events that a sink has missed. */
  missedShownMs: 24 * 60 * 60 * 1_000,
  /** Characters of a failure in the log and in the doctor's words. */
  whyLengthMax: 300,
  /** Default of the option sizeMaxMib of a file, and its bounds. */
  fileMib: 64,
  fileMibMax: 100_000,
  /** Default of the option keep of a file, and its bound. */
  filesKeptDefault: 4,
  filesKeptMax: 1_000,
  /** Default of the option timeoutSeconds of a web hook, and its bound, below deliverMsMax. */
  webhookSecondsDefault: 10,
  webhookSecondsMax: 25,
} as const;
