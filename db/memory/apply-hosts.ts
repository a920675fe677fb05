/**
 * The steps of a turn that are about hosts as such: what they say about themselves, whether they are enabled,
 * how builds on them ended, and their end. Claims are in apply.ts.
 */
import type { ClaimRecord } from "../../actors/records/instance.ts";
import { isOverused, realCpusOf, sharedFree } from "../../protocol/numa.ts";
import {
  aggregateHostKey,
  machineKey,
  type Refusal,
  type StoredHost,
  type Tables,
  type Work,
} from "./tables.ts";

const idle = {
  vcpusClaimed: 0,
  memoryMibClaimed: 0,
  diskGibClaimed: 0,
  instances: 0,
  pinnedCpus: 0,
  numaClaimed: [],
  failedBuilds: 0,
  failedBuildsOf: null,
  generation: 0,
  enabled: true,
  disabledReason: null,
  draining: null,
};

/** A value as JSON with sorted keys: equal values have equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)))
      : part,
  );
}

export function applyInventories({ tables, turn, journal, nowMs }: Work): Refusal | undefined {
  for (const inventory of turn.hosts ?? []) {
    const id = inventory.hostId;
    const known = tables.hosts.get(id);
    const lease = tables.leasesKept.get(id) ?? null;
    const before = known ?? { ...idle, id, lease, registeredAtMs: nowMs };
    const { hostId: _, ...said } = inventory;
    const lastSeenAtMs = Math.max(known?.lastSeenAtMs ?? 0, nowMs);
    const host: StoredHost = { ...before, ...said, lastSeenAtMs };
    if (overfull(host)) return { kind: "hostFull", hostId: id };
    const changed = canonical({ ...before, ...said }) !== canonical(before);
    const generation = before.generation + (changed ? 1 : 0);
    tables.hosts.put(id, { ...host, generation }, journal);
  }
  return undefined;
}

export function overfull(host: StoredHost): boolean {
  return (
    host.vcpusClaimed > host.vcpus ||
    host.memoryMibClaimed > host.memoryMib ||
    host.diskGibClaimed > host.diskGib ||
    isOverpinned(host)
  );
}

/** Guests' own CPUs leave too few for the others, or a cell is overfull. */
function isOverpinned(host: StoredHost): boolean {
  const { pinnedCpus, vcpus, vcpusClaimed, numa, numaClaimed } = host;
  const realCpus = realCpusOf(numa);
  if (pinnedCpus > realCpus || isOverused(numa, numaClaimed)) return true;
  return sharedFree({ realCpus, pinnedCpus, vcpus, vcpusClaimed }) < 0;
}

/** Refuses the commit for the first host of the list that is missing. */
export function unknownIn(
  { hosts }: Tables,
  list: readonly { readonly hostId: string }[],
): Refusal | undefined {
  const lost = list.find(({ hostId }) => hosts.get(hostId) === undefined);
  return lost && { kind: "missing", noun: "host", id: lost.hostId };
}

export function applyEnabled({ tables, turn, journal }: Work): Refusal | undefined {
  const wanted = turn.hostsEnabled ?? [];
  const refusal = unknownIn(tables, wanted);
  if (refusal !== undefined) return refusal;
  for (const { hostId, enabled, reason, failedBuildsMin, draining: begun } of wanted) {
    const host = tables.hosts.get(hostId);
    if (host === undefined) continue;
    if (failedBuildsMin !== undefined && !mayBreak(tables, host, failedBuildsMin))
      return { kind: "conflict" };
    const failures = enabled ? { failedBuilds: 0, failedBuildsOf: null } : {};
    const draining = enabled ? null : (begun ?? host.draining);
    tables.hosts.put(hostId, { ...host, ...failures, enabled, disabledReason: reason, draining }, journal);
  }
  return undefined;
}

function mayBreak({ hosts }: Tables, host: StoredHost, failedBuildsMin: number): boolean {
  const fails = ({ failedBuilds, failedBuildsOf: of }: StoredHost) =>
    failedBuilds >= failedBuildsMin && Math.min(of?.projects.length ?? 0, of?.images.length ?? 0) >= 2;
  if (!host.enabled || !fails(host)) return false;
  const all = [...hosts.values()];
  const broken = all.filter(({ enabled, failedBuilds }) => !enabled && failedBuilds >= failedBuildsMin);
  const left = all.filter(({ id, enabled, lease }) => enabled && id !== host.id && !lease?.fencedBy);
  const going = broken.length + 1;
  return left.length > 0 && going <= Math.max(1, Math.floor((going + left.length) / 3));
}

export function applyRemovals({ tables, turn, journal }: Work): Refusal | undefined {
  const removed = turn.hostsRemoved ?? [];
  const refusal = unknownIn(tables, removed);
  if (refusal !== undefined) return refusal;
  if (removed.some(({ hostId, parked }) => isUsed(tables, hostId, parked))) return { kind: "inUse" };
  for (const { hostId } of removed) {
    const lease = tables.hosts.get(hostId)?.lease ?? null;
    if (lease !== null) tables.leasesKept.put(hostId, lease, journal);
    for (const claim of [...tables.claims.values()].filter((one) => one.hostId === hostId))
      tables.claims.delete(machineKey(claim), journal);
    for (const machine of [...tables.machines.values()].filter((one) => one.hostId === hostId))
      tables.machines.delete(machineKey(machine), journal);
    for (const key of [...tables.aggregateHosts.values()].filter((one) => one.hostId === hostId))
      tables.aggregateHosts.delete(aggregateHostKey(key), journal);
    tables.hosts.delete(hostId, journal);
  }
  return undefined;
}

function isUsed(tables: Tables, hostId: string, parked: boolean): boolean {
  const owned = [...tables.instances.values()].some(
    (row) => row.hostId === hostId && row.deletedAtMs === null,
  );
  const claims = [...tables.claims.values()].filter((claim) => claim.hostId === hostId);
  return owned || claims.some((claim) => !parked || mayStillRun(tables, claim));
}

/** Its host's fence stops only what was claimed under a lease and has its disk where others can open it. */
function mayStillRun({ instances, hosts }: Tables, { instanceId, hostId, leaseEpoch }: ClaimRecord): boolean {
  const row = instances.get(instanceId);
  const kind = hosts.get(hostId)?.lease?.fencedBy?.kind;
  if (row === undefined || row.deletedAtMs !== null || kind === "power" || kind === "operator") return false;
  const diskless = row.image.disk === null && row.flavor.diskGib === 0;
  return leaseEpoch === 0 || !(row.storageId !== null || diskless);
}

export function applyBuilds({ tables, turn, journal }: Work): undefined {
  for (const { hostId, failed, project, imageId } of turn.buildsEnded ?? []) {
    const host = tables.hosts.get(hostId);
    if (host === undefined || (!failed && host.failedBuilds === 0)) continue;
    const { failedBuilds, failedBuildsOf: of } = host;
    const failedBuildsOf = failed
      ? { projects: twoOf(of?.projects, project), images: twoOf(of?.images, imageId) }
      : null;
    tables.hosts.put(
      hostId,
      { ...host, failedBuilds: failed ? failedBuilds + 1 : 0, failedBuildsOf },
      journal,
    );
  }
}

const twoOf = (known: readonly string[] = [], one?: string): readonly string[] =>
  [...new Set([...known, one ?? []].flat())].sort().slice(0, 2);
