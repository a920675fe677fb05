/** Limits of callers that wait for commits. They are never configured. */
export const requestLimits = {
  /** Ids of networks and what is on them in the hint after one commit; hosts hear of no others. */
  touchedIdsMax: 500,
  /** What is waited for is looked for again after this time, in case every hint was lost. */
  lookAgainMs: 1_000,
  /** Events that the reader of all who wait reads at once. */
  eventsReadAtOnceMax: 200,
  /**
   * A wait for events of a noun begins no further behind the newest event than this; its caller is answered
   * at once, without events, and asks on.
   */
  eventsPassedMax: 1_000,
  /** Operations, or projects, that are looked for by one read, or one after the other. */
  keysReadMax: 500,
  /** Operations of one create that are waited for at once; the others' turn comes after them. */
  operationsWaitedAtOnceMax: 100,
  /** Operations that one controller remembers having started: as many as it can have under way. */
  operationsNotedMax: 20_000,
} as const;
