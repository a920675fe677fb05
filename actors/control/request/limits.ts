/** Limits of callers that wait for commits. They are never configured. */
export const requestLimits = {
  /** A wait for a commit reads the store again after this time, in case every hint was lost. */
  lookAgainMs: 1_000,
  /** Operations that one controller remembers having started: as many as it can have under way. */
  operationsNotedMax: 20_000,
} as const;
