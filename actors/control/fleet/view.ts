/** A host as operators see it. Pure. */
import type { Host } from "../../../protocol/host.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import type { Space } from "../../../protocol/space.ts";
import type { HostRecord } from "../../records/host.ts";
import { storageOf } from "../../shared-storage/witnesses.ts";
import { fenceSentence } from "../directory/fence-proof.ts";
import { zoneOf } from "../directory/zones.ts";

export interface Seen {
  readonly alive: boolean;
  /** Time since this controller last saw a renewal of the host lease; undefined: it does not know yet. */
  readonly silentMs: number | undefined;
  /** The host's file systems; undefined: this controller does not know them. */
  readonly spaces: readonly Space[] | undefined;
}

export function hostView(host: HostRecord, seen: Seen): Host {
  const { vcpus, memoryMib, diskGib, vcpusClaimed, memoryMibClaimed, diskGibClaimed, ...rest } = host;
  const { draining } = host;
  return {
    ...rest,
    availabilityZone: zoneOf(host),
    aggregates: host.aggregates.map(({ id, name }) => ({ id, name })),
    features: [...host.features],
    machineTypes: [...host.machineTypes],
    numa: host.numa.map((node) => ({ ...node, hugePages: [...node.hugePages] })),
    numaClaimed: host.numaClaimed.map((use) => ({ ...use, hugePages: [...use.hugePages] })),
    lease: leaseView(host, seen),
    draining: draining === null ? null : { sinceMs: draining.atMs, parallelism: draining.parallelism },
    capacity: { vcpus, memoryMib, diskGib },
    claimed: { vcpus: vcpusClaimed, memoryMib: memoryMibClaimed, diskGib: diskGibClaimed },
    alive: seen.alive,
    ...(seen.spaces === undefined ? {} : { space: seen.spaces.map((one) => ({ ...one })) }),
  };
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
