/** The availability zone of a host, by its row. Pure. */
import type { HostRecord } from "../../records/host.ts";

/** The availability zone that a host's aggregates agree on; null: they name none. */
export function zoneOf({ aggregates }: Pick<HostRecord, "aggregates">): string | null {
  return aggregates.find(({ availabilityZone }) => availabilityZone !== null)?.availabilityZone ?? null;
}
