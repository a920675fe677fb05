/** Limits of the windows. */
export const windowLimits = {
  /** In a cell, those that are over included: novact makes facts of the oldest 1,000 rows. */
  windowsMax: 500,
  hostsMax: 100,
  reasonLengthMax: 200,
  /** Before the year 2100: what is later was meant in another unit. */
  timeMsMax: 4_102_444_800_000,
  /** How far `upcoming` looks ahead. */
  upcomingHoursMax: 8_760,
  /** Windows that one `prune` removes: novact takes 100 rows in a commit. */
  prunedMax: 100,
  leadMinutesMax: 43_200,
} as const;
