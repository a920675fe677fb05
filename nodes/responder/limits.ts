/** Limits of the responder. They are never configured. */
export const responderLimits = {
  /** Bytes of questions that wait to be read: some 500 of them. */
  questionBytesMax: 256 * 1024,
  /** The address is there before the responder, or comes soon. */
  bindRetryMs: 200,
  /** Period of looking whether the directory is still there. */
  directoryLookPeriodMs: 1_000,
  /** Period of touching the file that says which process answers. */
  beatPeriodMs: 2_000,
  responderLogBytesMax: 256 * 1024,
  /** Period of looking who is to be told its network without having asked, and how many are at once. */
  announcePeriodMs: 250,
  announcedAtOnceMax: 100,
  /**
   * A guest's device may not be on the bridge yet when the guest is told something new: so many times it is
   * told the same after short pauses, the first of which is this one, each four times as long as the last.
   */
  announcePauseMsMin: 1_000,
  announcedAgainMax: 3,
} as const;
