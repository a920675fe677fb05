/** The steps of a commit about hosts: what they say about themselves, and whether they are enabled. */
import type { Refusal, StoredHost, Work } from "../rows/tables.ts";
import { mayBreak } from "../rules/breaker/memory.ts";
import { overfull } from "../rules/capacity/memory.ts";
import { unknownIn } from "../rules/reference/memory.ts";
import { applyOffered } from "../rules/storage/memory.ts";

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

export function applyInventories({ tables, commit, journal, nowMs }: Work): Refusal | undefined {
  for (const inventory of commit.hosts ?? []) {
    const id = inventory.hostId;
    const known = tables.hosts.get(id);
    const lease = tables.leasesKept.get(id) ?? null;
    const before = known ?? {
      ...{ ...idle, id, number: tables.nextNumber("host"), lease },
      ...{ registeredAtMs: nowMs, version: nowMs },
    };
    const { hostId: _, ...said } = { ...inventory, drivers: inventory.drivers ?? null };
    const lastSeenAtMs = Math.max(known?.lastSeenAtMs ?? 0, nowMs);
    const host: StoredHost = { ...before, ...said, lastSeenAtMs };
    if (overfull(host)) return { kind: "hostFull", hostId: id };
    const changed = canonical({ ...before, ...said }) !== canonical(before);
    const generation = before.generation + (changed ? 1 : 0);
    tables.hosts.put(id, { ...host, generation }, journal);
    applyOffered({ tables, journal }, known, host);
  }
  return undefined;
}

export function applyEnabled({ tables, commit, journal }: Work): Refusal | undefined {
  const wanted = commit.hostsEnabled ?? [];
  const refusal = unknownIn(tables, wanted);
  if (refusal !== undefined) return refusal;
  for (const { hostId, enabled, reason, failedBuildsMin, draining: begun } of wanted) {
    const host = tables.hosts.get(hostId);
    if (host === undefined) continue;
    if (failedBuildsMin !== undefined && !mayBreak(tables, host, failedBuildsMin))
      return { kind: "conflict" };
    const failures = enabled ? { failedBuilds: 0, failedBuildsOf: null } : {};
    const draining = enabled ? null : begun === undefined ? host.draining : begun;
    // The host's actor has raised it already; whoever else changes the host raises it here.
    const version = host.version + (commit.hostsExpected?.some((one) => one.hostId === hostId) ? 0 : 1);
    const changed = { enabled, disabledReason: reason, draining, version };
    tables.hosts.put(hostId, { ...host, ...failures, ...changed }, journal);
  }
  return undefined;
}
