/**
 * The part of I3 that is about availability zones: a host is in one of them at most, whatever operators do to
 * its aggregates at the same time. Counted here, from the commits themselves.
 */
import { aggregate } from "../../protocol/aggregate.ts";
import type { AggregateRecord } from "../records/catalog.ts";
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
    const changed = aggregatesOf(commit).some((change) => "changed" in change);
    const moved = (commit.aggregateHosts ?? []).map(({ hostId }) => hostId);
    return [...(changed ? known.joined.keys() : new Set(moved))].flatMap((id) => doubled(known, id));
  };
}

const aggregatesOf = ({ rows = [] }: Commit) =>
  rows.filter(({ resource }) => resource.noun === aggregate.noun);

function learn({ zones, joined }: Known, commit: Commit): void {
  for (const change of aggregatesOf(commit)) {
    if ("removed" in change) zones.delete(change.removed);
    else {
      const row = ("made" in change ? change.made : change.changed) as AggregateRecord;
      zones.set(row.id, row.availabilityZone);
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
