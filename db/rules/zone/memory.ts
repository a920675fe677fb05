/** Availability zones of hosts, and the wishes of instances for them, in memory as zone.sql has them. */
import { aggregate } from "../../../protocol/aggregate.ts";
import { defaultZone } from "../../../protocol/kinds.ts";
import { zonedOf } from "../../rows/placement-changes.ts";
import { changedIn } from "../../rows/row-changes.ts";
import type { Refusal, Tables, Work } from "../../rows/tables.ts";

type Zones = ReadonlyMap<string, string>;

/** The zones of the hosts whose aggregates the commit changes, by host: asked before it changes them. */
export function zonesBefore({ tables, commit }: Pick<Work, "tables" | "commit">): Zones | undefined {
  const { aggregateHosts = [], aggregateHostsRemoved = [], rows = [] } = commit;
  const changed = changedIn(rows).filter(({ resource }) => resource.table === aggregate.table);
  if (aggregateHosts.length + aggregateHostsRemoved.length + changed.length === 0) return undefined;
  const ids = new Set(changed.map(({ changed: { id } }) => id));
  const members = [...tables.aggregateHosts.values()].filter(({ aggregateId }) => ids.has(aggregateId));
  const touched = [...aggregateHosts, ...aggregateHostsRemoved, ...members].map(({ hostId }) => hostId);
  return new Map(touched.map((hostId) => [hostId, zoneOf(tables, hostId)]));
}

function zoneOf(tables: Tables, hostId: string): string {
  const [zone] = namedBy(tables, (one) => one === hostId).get(hostId) ?? [];
  return zone ?? defaultZone;
}

/** The zones that aggregates name, by host. */
function namedBy(
  tables: Tables,
  isMeant: (hostId: string) => boolean,
): ReadonlyMap<string, ReadonlySet<string>> {
  const zones = new Map<string, Set<string>>();
  for (const { aggregateId, hostId } of tables.aggregateHosts.values()) {
    const zone = isMeant(hostId)
      ? (tables.rowsOf(aggregate).get(aggregateId)?.availabilityZone ?? null)
      : null;
    if (zone !== null) zones.set(hostId, (zones.get(hostId) ?? new Set()).add(zone));
  }
  return zones;
}

/** Judged when aggregates have changed, or hosts have joined or left them. */
export function judgeZones({ tables, zones }: Work): Refusal | undefined {
  if (zones === undefined) return undefined;
  const [twice] = [...namedBy(tables, () => true)]
    .filter(([, names]) => names.size > 1)
    .map(([hostId]) => hostId)
    .sort();
  if (twice !== undefined) return { kind: "zoneConflict", hostId: twice };
  return heldZone(tables, zones);
}

/** The first zone that instances have asked for which it would be taken from. */
function heldZone(tables: Tables, before: Zones): Refusal | undefined {
  const left = new Map([...before].filter(([hostId, zone]) => zoneOf(tables, hostId) !== zone));
  if (left.size === 0) return undefined;
  const empty = new Set(left.values());
  for (const { id } of tables.hosts.values()) empty.delete(zoneOf(tables, id));
  const next = nextHosts(tables);
  const wishing = [...tables.instances.values()].filter(
    ({ id, availabilityZone, hostId, settled, desired, deletedAtMs }) => {
      if (availabilityZone === null || deletedAtMs !== null || desired === "deleted") return false;
      if (next.get(id)?.some((one) => left.get(one) === availabilityZone)) return true;
      if (hostId !== null) return left.get(hostId) === availabilityZone;
      return !settled && empty.has(availabilityZone);
    },
  );
  const [zone] = wishing.flatMap(({ availabilityZone }) => availabilityZone ?? []).sort();
  if (zone === undefined) return undefined;
  const ids = wishing.filter((one) => one.availabilityZone === zone).map(({ id }) => id);
  return { kind: "zoneInUse", zone, count: ids.length, instanceIds: ids.sort().slice(0, instancesNamedMax) };
}

/** The hosts that instances are on their way to, by instance. */
function nextHosts(tables: Tables): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, readonly string[]>();
  for (const { instanceId, ownerEpoch, hostId } of tables.claims.values())
    if (ownerEpoch > (tables.instances.get(instanceId)?.ownerEpoch ?? ownerEpoch))
      next.set(instanceId, [...(next.get(instanceId) ?? []), hostId]);
  return next;
}

/** As in zone.sql. */
const instancesNamedMax = 10;

/** Who asks for a zone claims on hosts of it alone. */
export function judgeZonedClaims({ tables, commit }: Work): Refusal | undefined {
  const elsewhere = zonedOf(commit).find(({ hostId, zone }) => zoneOf(tables, hostId) !== zone);
  return elsewhere && { kind: "hostFull", hostId: elsewhere.hostId };
}
