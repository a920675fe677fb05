/** What can be read of aggregates besides their rows. Types only. */

export interface ZoneQuery {
  /** Absent: every zone. */
  readonly name?: string;
  readonly limit: number;
}

export interface AggregateReads {
  /** The hosts of each of these aggregates that has any, in order of host id. */
  hosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Names of the availability zones of aggregates, in order. */
  zones(query: ZoneQuery): Promise<readonly string[]>;
}
