/** A host as operators see it. Pure. */
import type { Host } from "../../../protocol/host.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { HostRecord } from "../../records/host.ts";
import { storageOf } from "../../shared-storage/storage-of.ts";
import { fenceSentence } from "../directory/fence-proof.ts";
import { zoneOf } from "../directory/zone-of.ts";
import type { Seen } from "./messages.ts";

export function hostView(host: HostRecord, seen: Seen): Host {
  const { vcpus, memoryMib, diskGib, vcpusClaimed, memoryMibClaimed, diskGibClaimed, storage, ...rest } =
    host;
  // Guests have their disks on the host's own storage, or on one that hosts share.
  const disk = storage ?? { diskGib, diskGibClaimed };
  const { draining } = host;
  return {
    ...rest,
    availabilityZone: zoneOf(host),
    aggregates: host.aggregates.map(({ id, name }) => ({ id, name })),
    features: [...host.features],
    machineTypes: [...host.machineTypes],
    drivers: host.drivers,
    numa: host.numa.map((node) => ({ ...node, hugePages: [...node.hugePages] })),
    numaClaimed: host.numaClaimed.map((use) => ({ ...use, hugePages: [...use.hugePages] })),
    lease: leaseView(host, seen),
    draining: drainingView(draining),
    capacity: { vcpus, memoryMib, diskGib: disk.diskGib },
    claimed: { vcpus: vcpusClaimed, memoryMib: memoryMibClaimed, diskGib: disk.diskGibClaimed },
    alive: seen.alive,
    ...(seen.volumeStorages === undefined
      ? {}
      : { volumeStorages: seen.volumeStorages.map((one) => ({ ...one })) }),
    ...(seen.imagePeer === undefined
      ? {}
      : { imagePeer: { ...seen.imagePeer, has: [...seen.imagePeer.has] } }),
    ...(seen.spaces === undefined ? {} : { space: seen.spaces.map((one) => ({ ...one })) }),
  };
}

function drainingView(draining: HostRecord["draining"]): Host["draining"] {
  if (draining === null) return null;
  const { atMs: sinceMs, parallelism, operationId } = draining;
  return { sinceMs, parallelism, ...(operationId === undefined ? {} : { operationId }) };
}

function leaseView({ lease }: HostRecord, { silentMs }: Seen): Host["lease"] {
  if (lease === null) return null;
  const { leaseEpoch, fencedBy } = lease;
  const storageId = storageOf(lease);
  if (fencedBy !== null)
    return { leaseEpoch, fencedBy, storageId, state: "fenced", sentence: fenceSentence(fencedBy) };
  if (silentMs === undefined) return { leaseEpoch, fencedBy, storageId, state: "held" };
  const state = silentMs >= leaseLimits.leaseTtlMs ? "ended" : "held";
  return { leaseEpoch, fencedBy, storageId, state, silentMs: Math.round(silentMs) };
}
