/**
 * I7: when an instance is gone, nothing of it is left: no process, no file, no claim. Judged when all is
 * quiet, from both sides: everything on the hosts must belong to an existing instance. What was left of a
 * volume on the own disk of a host that was removed has gone with the host, for the ledger: should the host
 * come back, the doctor names it, and people decide.
 */
import type { Checker, FindingFacts, InstanceFacts, Quiet } from "./facts.ts";
import { isCommitted } from "./ledger.ts";

type Rows = ReadonlyMap<string, InstanceFacts>;

export function nothingLeaks(): Checker {
  const removed = new Set<string>();
  const away = new Set<string>();
  return {
    promise: "I7",
    see(fact) {
      if (isCommitted(fact)) {
        for (const { hostId } of fact.commit.hostsRemoved ?? []) {
          removed.add(hostId);
          away.add(hostId);
        }
        for (const { noun, id, event } of fact.commit.events ?? [])
          if (noun === "host" && event === "registered") away.delete(id);
      }
      return fact.kind === "quiet" ? still(fact, removed, away) : [];
    },
  };
}

function still(quiet: Quiet, removed: ReadonlySet<string>, away: ReadonlySet<string>): readonly string[] {
  const left = (quiet.volumes?.files ?? []).filter(({ place }) => removed.has(place));
  const named = new Set(left.map(({ volumeId }) => `volume ${volumeId}`));
  const rows = new Map(quiet.instances.map((row) => [row.id, row]));
  return [
    ...quiet.guests.flatMap((guest) => processFaults(rows, guest)),
    ...quiet.remains.flatMap((one) => (away.has(one.hostId) ? [] : remainsFaults(rows, one))),
    ...claimFaults(rows, quiet.claims ?? []),
    ...quiet.findings
      .filter((one) => isOurs(one) && !(one.kind === "leak" && named.has(one.subject)))
      .map((one) => `The doctor says: ${one.kind}, ${one.subject}: ${one.message}`),
  ];
}

/** Advice is about what people have asked for: nothing of an instance is left by it. */
const isOurs = ({ kind }: FindingFacts): boolean => kind !== "advice";

/** Why the instance must not have left anything on this host; undefined when it may. */
function strange(rows: Rows, instanceId: string, hostId: string): string | undefined {
  const row = rows.get(instanceId);
  if (row === undefined) return "which nobody knows";
  if (row.deleted) return "which is deleted";
  return row.hostId === hostId ? undefined : `which belongs to ${row.hostId ?? "no host"}`;
}

function processFaults(rows: Rows, { hostId, instanceId, pid }: Quiet["guests"][number]): readonly string[] {
  const stopped = rows.get(instanceId)?.state === "stopped" ? "which is stopped" : undefined;
  const why = strange(rows, instanceId, hostId) ?? stopped;
  return why === undefined
    ? []
    : [`Process ${pid} on host ${hostId} is left of instance ${instanceId}, ${why}.`];
}

function remainsFaults(
  rows: Rows,
  { hostId, instanceId, what }: Quiet["remains"][number],
): readonly string[] {
  const why = strange(rows, instanceId, hostId);
  return why === undefined ? [] : [`On host ${hostId} ${what} is left of instance ${instanceId}, ${why}.`];
}

function claimFaults(rows: Rows, claims: NonNullable<Quiet["claims"]>): readonly string[] {
  return [...Map.groupBy(claims, ({ instanceId }) => instanceId)].flatMap(([id, held]) => {
    const row = rows.get(id);
    const hosts = held.map(({ hostId, ownerEpoch }) => `${hostId} (epoch ${ownerEpoch})`).join(", ");
    if (row === undefined) return [`A claim is held for instance ${id}, which nobody knows: ${hosts}.`];
    if (row.deleted) return [`A claim is held for instance ${id}, which is deleted: ${hosts}.`];
    return held.length > 1 ? [`Instance ${id} holds ${held.length} claims: ${hosts}.`] : [];
  });
}
