/** Limits of those who wait for what is durable. They are never configured. */
export const requestLimits = {
  /** Who waits for something durable looks again after this time, should every hint be lost. */
  lookAgainMs: 1_000,
  /** Operations that one controller remembers to have begun: as many as it can have under way. */
  operationsNotedMax: 20_000,
} as const;
