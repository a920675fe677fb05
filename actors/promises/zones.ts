/**
 * The part of I3 that is about availability zones: a host is in one of them at most, whatever operators do to
 * its aggregates at the same time. Counted here, from the commits themselves.
 */
import type { Commit } from "../records/commit.ts";

interface Known {
  /** The zone of each aggregate; null: it says nothing about zones. */
  readonly zones: Map<string, string | null>;
  /** Ids of aggregates, by host. */
  readonly joined: Map<string, Set<string>>;
}

/** What each committed turn breaks, as sentences. */
export function zonesOfHosts(): (commit: Commit) => readonly string[] {
  const known: Known = { zones: new Map(), joined: new Map() };
  return (commit) => {
    learn(known, commit);
    const changed = (commit.aggregatesChanged ?? []).length > 0;
    const moved = (commit.aggregateHosts ?? []).map(({ hostId }) => hostId);
    return [...(changed ? known.joined.keys() : new Set(moved))].flatMap((id) => doubled(known, id));
  };
}

function learn({ zones, joined }: Known, commit: Commit): void {
  for (const id of commit.aggregatesRemoved ?? []) zones.delete(id);
  for (const { id, availabilityZone } of commit.aggregates ?? []) zones.set(id, availabilityZone);
  for (const { aggregateId, availabilityZone } of commit.aggregatesChanged ?? [])
    if (availabilityZone !== undefined) zones.set(aggregateId, availabilityZone);
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
