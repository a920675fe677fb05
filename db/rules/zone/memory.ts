/** A host is in one availability zone at most, in memory as zone.sql has it. */
import type { Refusal, Work } from "../../rows/tables.ts";

/** Judged when aggregates change or hosts join them. */
export function judgeZones({ tables, commit }: Work): Refusal | undefined {
  if (commit.aggregateHosts === undefined && commit.aggregatesChanged === undefined) return undefined;
  const zones = new Map<string, Set<string>>();
  for (const { aggregateId, hostId } of tables.aggregateHosts.values()) {
    const zone = tables.aggregates.get(aggregateId)?.availabilityZone ?? null;
    if (zone !== null) zones.set(hostId, (zones.get(hostId) ?? new Set()).add(zone));
  }
  const [twice] = [...zones]
    .filter(([, names]) => names.size > 1)
    .map(([hostId]) => hostId)
    .sort();
  return twice === undefined ? undefined : { kind: "zoneConflict", hostId: twice };
}
