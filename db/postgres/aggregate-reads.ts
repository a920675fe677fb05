/** Reads from PostgreSQL which hosts and zones aggregates have. It changes nothing. */
import type { AggregateReads, ZoneQuery } from "../../actors/ports/aggregate-reads.ts";
import type { Database } from "./database.ts";

export class PostgresAggregateReads implements AggregateReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async hosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const text = `select aggregate_id, json_agg(host_id order by host_id) from aggregate_host
      where aggregate_id = any($1) group by aggregate_id`;
    const statement = { name: "aggregate_hosts", text, values: [aggregateIds] };
    const rows = await this.#database.read(statement, "read the hosts of aggregates");
    return new Map(rows.map(([id, hostIds]) => [String(id), hostIds as readonly string[]]));
  }

  async zones({ name, limit }: ZoneQuery): Promise<readonly string[]> {
    const text = `select distinct availability_zone from aggregate
      where availability_zone = coalesce($1, availability_zone) order by availability_zone limit $2`;
    const statement = { name: "zones", text, values: [name ?? null, limit] };
    return (await this.#database.read(statement, "list zones")).map(([zone]) => String(zone));
  }
}
