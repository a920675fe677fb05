/** A host is in one availability zone at most, in memory as zone.sql has it. */
import { aggregate } from "../../../protocol/aggregate.ts";
import { changedIn } from "../../rows/row-changes.ts";
import type { Refusal, Work } from "../../rows/tables.ts";

/** Judged when aggregates change or hosts join them. */
export function judgeZones({ tables, commit }: Work): Refusal | undefined {
  if (commit.aggregateHosts === undefined && changedIn(commit.rows ?? []).length === 0) return undefined;
  const zones = new Map<string, Set<string>>();
  for (const { aggregateId, hostId } of tables.aggregateHosts.values()) {
    const zone = tables.rowsOf(aggregate).get(aggregateId)?.availabilityZone ?? null;
    if (zone !== null) zones.set(hostId, (zones.get(hostId) ?? new Set()).add(zone));
  }
  const [twice] = [...zones]
    .filter(([, names]) => names.size > 1)
    .map(([hostId]) => hostId)
    .sort();
  return twice === undefined ? undefined : { kind: "zoneConflict", hostId: twice };
}
