/**
 * The part of I3 that is about availability zones: a host is in one of them at most, whatever operators do to
 * its aggregates at the same time; and an instance that has asked for a zone claims on hosts of it alone, and
 * its host stays in it. Counted here, from the commits themselves.
 */
import { aggregate } from "../../protocol/aggregate.ts";
import { defaultZone } from "../../protocol/kinds.ts";
import type { AggregateRecord } from "../records/catalog.ts";
import type { Commit } from "../records/commit.ts";
import { rowAfter } from "./row-written.ts";

interface Known {
  /** The zone of each aggregate; null: it says nothing about zones. */
  readonly zones: Map<string, string | null>;
  /** Ids of aggregates, by host. */
  readonly joined: Map<string, Set<string>>;
  /** Instances that have asked for a zone, are not deleted, and shall not be; by id. */
  readonly wishing: Map<string, Wishing>;
}

interface Wishing {
  readonly zone: string;
  readonly hostId: string | null;
}

/** What each committed turn breaks, as sentences. */
export function zonesOfHosts(): (commit: Commit) => readonly string[] {
  const known: Known = { zones: new Map(), joined: new Map(), wishing: new Map() };
  return (commit) => {
    const before = zonesThatMayChange(known, commit);
    learn(known, commit);
    const changed = aggregatesOf(commit).some((change) => "changed" in change);
    const moved = (commit.aggregateHosts ?? []).map(({ hostId }) => hostId);
    return [
      ...[...(changed ? known.joined.keys() : new Set(moved))].flatMap((id) => doubled(known, id)),
      ...[...before].flatMap(([hostId, zone]) => leftBehind(known, hostId, zone)),
      ...astray(known, commit),
    ];
  };
}

const aggregatesOf = ({ rows = [] }: Commit) =>
  rows.filter(({ resource }) => resource.noun === aggregate.noun);

/** By host, of those whose aggregates the commit touches. */
function zonesThatMayChange(known: Known, commit: Commit): ReadonlyMap<string, string> {
  const { aggregateHosts = [], aggregateHostsRemoved = [] } = commit;
  const touched = new Set([...aggregateHosts, ...aggregateHostsRemoved].map(({ hostId }) => hostId));
  const hosts = aggregatesOf(commit).length > 0 ? known.joined.keys() : touched;
  return new Map([...hosts].map((hostId) => [hostId, zoneOf(known, hostId)]));
}

function zoneOf({ zones, joined }: Known, hostId: string): string {
  return [...(joined.get(hostId) ?? [])].flatMap((id) => zones.get(id) ?? [])[0] ?? defaultZone;
}

function leftBehind(known: Known, hostId: string, zone: string): readonly string[] {
  if (zoneOf(known, hostId) === zone) return [];
  return [...known.wishing].flatMap(([id, wish]) =>
    wish.hostId === hostId && wish.zone === zone
      ? [`Host ${hostId} left the zone ${zone}, which instance ${id} there has asked for.`]
      : [],
  );
}

/** A claim that is only made anew was right once. */
function astray(known: Known, { claims = [], claimsReleased = [] }: Commit): readonly string[] {
  return claims.flatMap(({ instanceId, ownerEpoch, hostId }) => {
    const zone = known.wishing.get(instanceId)?.zone ?? zoneOf(known, hostId);
    const isAnew = claimsReleased.some(
      (one) => one.instanceId === instanceId && one.ownerEpoch === ownerEpoch,
    );
    if (isAnew || zone === zoneOf(known, hostId)) return [];
    return [`Instance ${instanceId} claims on host ${hostId}, which is not in the zone ${zone}.`];
  });
}

function learn({ zones, joined, wishing }: Known, commit: Commit): void {
  for (const { row } of commit.instances ?? []) {
    const { id, availabilityZone: zone, hostId, desired } = row;
    if (zone === null || desired === "deleted") wishing.delete(id);
    else wishing.set(id, { zone, hostId });
  }
  for (const change of aggregatesOf(commit)) {
    if ("removed" in change) zones.delete(change.removed);
    else {
      const row = rowAfter(change) as AggregateRecord | undefined;
      if (row !== undefined) zones.set(row.id, row.availabilityZone);
    }
  }
  for (const { aggregateId, hostId } of commit.aggregateHostsRemoved ?? [])
    joined.get(hostId)?.delete(aggregateId);
  for (const { hostId } of commit.hostsRemoved ?? []) joined.delete(hostId);
  for (const { aggregateId, hostId } of commit.aggregateHosts ?? [])
    joined.set(hostId, (joined.get(hostId) ?? new Set()).add(aggregateId));
}

function doubled({ zones, joined }: Known, hostId: string): readonly string[] {
  const found = new Set([...(joined.get(hostId) ?? [])].flatMap((id) => zones.get(id) ?? []));
  return found.size < 2 ? [] : [`Host ${hostId} is in the zones ${[...found].sort().join(" and ")}.`];
}
