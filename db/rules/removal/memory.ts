/** Hosts that are forgotten, in memory as removal.sql has it. */
import type { ClaimRecord } from "../../../actors/records/instance.ts";
import { aggregateHostKey, machineKey, type Refusal, type Tables, type Work } from "../../rows/tables.ts";
import { leavesWork } from "../host/memory.ts";
import { unknownIn } from "../reference/memory.ts";
import { applyOffered } from "../storage/memory.ts";
import { forgetVolumes, holdsVolumes } from "../volume/memory.ts";

export function applyRemovals({ tables, commit, journal }: Work): Refusal | undefined {
  const removed = commit.hostsRemoved ?? [];
  const refusal = unknownIn(tables, removed);
  if (refusal !== undefined) return refusal;
  if (removed.some(({ hostId, parked }) => isUsed(tables, hostId, parked))) return { kind: "inUse" };
  if (leavesWork({ tables, commit })) return { kind: "conflict" };
  for (const { hostId } of removed) {
    const lease = tables.hosts.get(hostId)?.lease ?? null;
    if (lease !== null) tables.leasesKept.put(hostId, lease, journal);
    for (const claim of [...tables.claims.values()].filter((one) => one.hostId === hostId))
      tables.claims.delete(machineKey(claim), journal);
    for (const machine of [...tables.machines.values()].filter((one) => one.hostId === hostId))
      tables.machines.delete(machineKey(machine), journal);
    for (const key of [...tables.aggregateHosts.values()].filter((one) => one.hostId === hostId))
      tables.aggregateHosts.delete(aggregateHostKey(key), journal);
    const row = tables.hosts.get(hostId);
    tables.hosts.delete(hostId, journal);
    forgetVolumes({ tables, journal }, hostId);
    applyOffered({ tables, journal }, row);
  }
  return undefined;
}

function isUsed(tables: Tables, hostId: string, parked: boolean): boolean {
  const owned = [...tables.instances.values()].some(
    (row) => row.hostId === hostId && row.deletedAtMs === null,
  );
  const claims = [...tables.claims.values()].filter((claim) => claim.hostId === hostId);
  return (
    owned || holdsVolumes(tables, hostId) || claims.some((claim) => !parked || mayStillRun(tables, claim))
  );
}

/**
 * Its host's fence stops only what was claimed under a lease and has its disk where others can open it. Of
 * what is deleted only its addresses and its volumes
 * matter.
 */
function mayStillRun({ instances, hosts }: Tables, { instanceId, hostId, leaseEpoch }: ClaimRecord): boolean {
  const row = instances.get(instanceId);
  const kind = hosts.get(hostId)?.lease?.fencedBy?.kind;
  if (row === undefined || kind === "power" || kind === "operator") return false;
  if (row.deletedAtMs !== null && [...(row.interfaces ?? []), ...(row.volumes ?? [])].length === 0)
    return false;
  const diskless = row.image.disk === null && row.flavor.diskGib === 0;
  return leaseEpoch === 0 || !(row.storageId !== null || diskless);
}
