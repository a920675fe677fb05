/** Reads from memory which hosts and zones aggregates have. It changes nothing. */
import type { AggregateReads, ZoneQuery } from "../../actors/ports/aggregate-reads.ts";
import { aggregate } from "../../protocol/aggregate.ts";
import type { Tables } from "../rows/tables.ts";

export class MemoryAggregateReads implements AggregateReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async hosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const wanted = new Set(aggregateIds);
    const joined = [...this.#tables.aggregateHosts.values()].filter((one) => wanted.has(one.aggregateId));
    const byAggregate = Map.groupBy(joined, ({ aggregateId }) => aggregateId);
    return new Map([...byAggregate].map(([id, hosts]) => [id, hosts.map(({ hostId }) => hostId)]));
  }

  async zones({ name, limit }: ZoneQuery): Promise<readonly string[]> {
    const aggregates = [...this.#tables.rowsOf(aggregate).values()];
    const zones = new Set(aggregates.flatMap(({ availabilityZone }) => availabilityZone ?? []));
    return [...zones]
      .filter((zone) => (name ?? zone) === zone)
      .sort()
      .slice(0, limit);
  }
}
