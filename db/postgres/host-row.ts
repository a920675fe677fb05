/**
 * How a host's row is read, and what is joined to it: the same for statements that read a few hosts, and
 * for those that read all of them again and again. Pure.
 */
import type { HostRecord } from "../../actors/records/host.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import { type NumaUse, nothingUsed } from "../../protocol/numa.ts";
import type { Row } from "./database.ts";
import { isBulky } from "./host-features.ts";

/** Few instances are unsettled, and they have an index: this costs little however many there are. */
export const buildsByHost = `select host_id, count(*) as running from instance
  where (not settled or operation_id is not null) and state = 'building' and host_id is not null
  group by host_id`;
/** Of the aggregate `a`, as its hosts show it. */
export const aggregateObject = `json_build_object('id', a.id, 'name', a.name,
    'availabilityZone', a.availability_zone, 'metadata', a.metadata)`;
/** The few hosts whose NUMA nodes have claims have an index. */
export const numaByHost = `select host_id, json_agg(json_build_array(node, resource, claimed)) as uses from host_numa_node
  where claimed > 0 group by host_id`;

/** Every storage that hosts share, by id: few rows, which change with every disk. */
export const storagesById = `select json_object_agg(id, json_build_array(disk_gib, disk_gib_claimed)) from storage`;

/** Of the storage `g`. */
export const storageList =
  "case when g.id is not null then json_build_array(g.disk_gib, g.disk_gib_claimed) end";

export function storageOf(list: unknown): HostRecord["storage"] {
  if (list === null || list === undefined) return null;
  // Written by the two texts above.
  const [diskGib, diskGibClaimed] = list as [number, number];
  return { diskGib, diskGibClaimed };
}

/** Of the lease `l`: what the renewal of its present count said. */
export const storageSaid = "case when l.storage_at = l.renewals then l.storage_id end";

/** Fields that are read with a host's row: all but the bulky ones (host-features.ts) and `realCpus`. */
export const isLight = (field: string): boolean => !isBulky(field) && field !== "realCpus";

export function leaseOf([
  ownerEpoch,
  renewals,
  fencedBy,
  storageId,
  storageRenewals,
]: Row): HostRecord["lease"] {
  if (ownerEpoch === null) return null;
  // A renewal through a controller of the version before says nothing of the storage, nor does a grant.
  const storage = typeof storageId === "string" ? { id: storageId, renewals: Number(storageRenewals) } : null;
  // Written by novact_lease, and by nobody else.
  const proof = fencedBy as FenceProof | null;
  return { leaseEpoch: Number(ownerEpoch), renewals: Number(renewals), storage, fencedBy: proof };
}

/** Written by novact_numa, as db/rules/numa/numa.sql names them. */
export function usesOf(rows: unknown): NumaUse[] {
  const uses: NumaUse[] = [];
  for (const [node, resource, claimed] of (rows ?? []) as [number, string, number][]) {
    while (uses.length <= node) uses.push(nothingUsed);
    uses[node] = withResource(uses[node] ?? nothingUsed, resource, claimed);
  }
  return uses;
}

function withResource(use: NumaUse, resource: string, claimed: number): NumaUse {
  if (resource === "cpus") return { ...use, pinnedCpus: claimed };
  if (resource === "memory") return { ...use, memoryMib: claimed };
  const hugePages = [...use.hugePages, { sizeKib: Number(resource.split(":")[1]), claimed }];
  return { ...use, hugePages: hugePages.sort((left, right) => left.sizeKib - right.sizeKib) };
}
