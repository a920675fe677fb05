/** Limits of every actor: its mailbox, its turns, its restarts. They are never configured. */
export const actorLimits = {
  /** Messages waiting in one actor's mailbox. */
  mailboxLengthMax: 1_000,
  /**
   * Waiting time that a sender is told when a mailbox is full: a full mailbox of commits empties in about
   * this time.
   */
  mailboxRetryAfterMs: 250,
  /** Period at which a process looks at the room on its file systems. */
  spaceLookPeriodMs: 1_000,
  /** A look at the file systems that takes longer is given up. */
  spaceRoundMsMax: 10_000,
  /**
   * Pauses between looks at a file system that is being filled: as long as the fastest disk needs for what is
   * left, within these bounds.
   */
  fillingLookMsMin: 50,
  fillingLookMsMax: 1_000,
  fillingBytesPerMs: 2 * 1024 ** 2,
  /** After this time a look says nothing any more: longer than a look that takes its whole time. */
  spaceOldMs: 15_000,
  /**
   * A loop's round that takes longer is given up, unless the loop has a time of its own: no call of the store
   * or of a host takes a tenth of it.
   */
  roundMsMax: 60_000,
  /** Rounds of one loop that were given up and have not ended: with so many, no further one begins. */
  roundsHangingMax: 3,
  /** Turns that one actor takes in a row before other actors, sockets and timers have theirs. */
  turnsPerWake: 32,
  /**
   * Residents of many that were made at once, which begin together, and the pause after them: at most 500 a
   * second. Each begins with some ten messages and commits, of which a process gets some 700 through in a
   * second when it does nothing else.
   */
  beginningsPerSlice: 5,
  beginningsPauseMs: 10,
  /** Restarts of one actor inside the window before its supervisor gives up. */
  restartsMax: 5,
  restartWindowMs: 30_000,
  restartBackoffMsMin: 50,
  restartBackoffMsMax: 5_000,
  /** After stop: how long the running turn, and then the actor's clean-up, are waited for. */
  actorStopGraceMs: 10_000,
  /** Methods that a meter tells apart; there are some sixty. */
  meteredMethodsMax: 200,
  /** Loops, file systems and other names that a meter tells apart under one label. */
  meteredNamesMax: 100,
} as const;
