/** Limits of the doctor: how long it takes things for work in progress. They are never configured. */
export const doctorLimits = {
  /**
   * An instance that has no operation and is not in the state asked for becomes a finding of the doctor after
   * this time.
   */
  doctorPatienceMs: 60_000,
  /**
   * The doctor looks again after this time, and reports only what it found both times: longer than one
   * heartbeat.
   */
  doctorSecondLookMs: 2_500,
} as const;
