/** A loop and its rounds, as they are shown to people who debug. Types only. */

export interface LastRound {
  /** On Clock.monotonicMs. */
  readonly beganAtMs: number;
  readonly tookMs: number;
  /** Whether the round, or a part of it, failed, threw, or was given up. */
  readonly failed: boolean;
  /** In a few words; empty: nothing worth a word. */
  readonly did: string;
}

/** A loop as it is shown to people who debug. */
export interface Loop {
  /** Time from the end of a round to the beginning of the next, as it is now. */
  readonly pauseMs: number;
  /** A round that takes longer is given up. */
  readonly roundMsMax: number;
  /** Undefined before the first round has ended. */
  readonly last: LastRound | undefined;
  /** Rounds that have ended or were given up. */
  readonly rounds: number;
  /** When the round under way began, on Clock.monotonicMs; undefined: none is. */
  readonly underWaySinceMs: number | undefined;
  /** Rounds that were given up and have still not ended. */
  readonly hanging: number;
}
