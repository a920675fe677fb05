/** Limits of every actor: its mailbox, its turns, its restarts. They are never configured. */
export const actorLimits = {
  /** Messages waiting in one actor's mailbox. */
  mailboxLengthMax: 1_000,
  /**
   * What a sender that found a mailbox full is told to wait: a full mailbox of commits empties in about this
   * time.
   */
  mailboxRetryAfterMs: 250,
  /** Turns of one actor in a row before the others (and sockets and timers) have theirs. */
  turnsPerWake: 32,
  /** Restarts of one actor inside the window before its supervisor gives up. */
  restartsMax: 5,
  restartWindowMs: 30_000,
  restartBackoffMsMin: 50,
  restartBackoffMsMax: 5_000,
  /**
   * After stop: how long a running turn may still take, and after it the actor's clean-up, before nobody
   * waits any more.
   */
  actorStopGraceMs: 10_000,
} as const;
