/** How the store on PostgreSQL is counted: the port that it needs for that. Types only. */

export interface StoreMeter {
  /** A batch goes to the database: so long has each of its commits waited in line. */
  sent(waitedMs: readonly number[]): void;
  /** A batch of so many commits was answered, by whatever. */
  answered(commits: number, tookMs: number): void;
  /** Called once, with what can be read at any time. */
  look(read: () => StoreState): void;
}

export interface StoreState {
  /** Commits in line. */
  readonly commitsWaiting: number;
  readonly connectionsUsed: number;
  readonly connectionsIdle: number;
  /** Statements that wait for a connection. */
  readonly statementsWaiting: number;
}
