/**
 * Lists the disks on each shared storage: asks one of its hosts, and the next one when that fails. Reads
 * only.
 */
import type { hostAgentService, SharedDisk } from "../../protocol/machine.ts";
import type { Client } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { StorePart } from "../ports/store.ts";
import type { InstanceRecord } from "../records/instance.ts";
import { sharedStorageLimits } from "./limits.ts";
import { type DiskOwner, ownerOf } from "./ownerless.ts";

export type StorageAgent = Pick<Client<typeof hostAgentService>, "sharedDisks" | "removeSharedDisks">;

/** A shared storage, and the hosts that share it. */
export interface Storage {
  readonly storageId: string;
  readonly hostIds: readonly string[];
}

export interface StorageListing {
  readonly storageId: string;
  /** The host that listed the disks. */
  readonly hostId: string;
  readonly disks: readonly SharedDisk[];
}

export type StorageAnswer = StorageListing | { readonly storageId: string; readonly error: string };

export function storagesOf(
  hosts: readonly { readonly id: string; readonly storageId: string | null }[],
): readonly Storage[] {
  const sharing = hosts.flatMap(({ id, storageId }) => (storageId ? [{ id, storageId }] : []));
  return [...Map.groupBy(sharing, ({ storageId }) => storageId)].map(([storageId, group]) => ({
    storageId,
    hostIds: group.map(({ id }) => id),
  }));
}

/** As the first host that can be asked says it; the last one's error when none can. */
export async function listStorage(
  { storageId, hostIds }: Storage,
  agent: (hostId: string) => Pick<StorageAgent, "sharedDisks">,
  timeoutMs: number,
): Promise<StorageAnswer> {
  let failed: StorageAnswer = { storageId, error: "No host that sees this storage is known." };
  for (const hostId of hostIds) {
    try {
      return { storageId, hostId, disks: await allDisks(storageId, agent(hostId), timeoutMs) };
    } catch (thrown) {
      const { message } = StatusError.from(thrown, "Listing the shared disks");
      failed = { storageId, error: message };
    }
  }
  return failed;
}

async function allDisks(
  storageId: string,
  agent: Pick<StorageAgent, "sharedDisks">,
  timeoutMs: number,
): Promise<readonly SharedDisk[]> {
  const all: SharedDisk[] = [];
  for (let marker: { marker?: string } = {}; ; ) {
    const { disks, nextMarker } = await agent.sharedDisks({ storageId, ...marker }, { timeoutMs });
    all.push(...disks);
    if (nextMarker === undefined) return all;
    // A host that lists for ever would keep the doctor from everything else.
    const goesOn =
      nextMarker > (marker.marker ?? "") && all.length <= sharedStorageLimits.sharedDisksListedMax;
    if (!goesOn) throw new StatusError("internal", "The host's list of shared disks has no end.");
    marker = { marker: nextMarker };
  }
}

/** For each instance with a disk there, the owner epochs of its disks, ascending. */
export function epochsOf({ disks }: StorageListing): ReadonlyMap<string, readonly number[]> {
  const groups = Map.groupBy(disks, ({ instanceId }) => instanceId);
  return new Map(
    [...groups].map(([id, group]) => [
      id,
      group.map(({ ownerEpoch }) => ownerEpoch).sort((one, other) => one - other),
    ]),
  );
}

/** The present owner of each instance with a disk there. `living`: instance rows that were read already. */
export async function ownersOf(
  listing: StorageListing,
  living: ReadonlyMap<string, InstanceRecord>,
  store: StorePart<{ instances: "get" }>,
): Promise<ReadonlyMap<string, DiskOwner>> {
  const owners = new Map<string, DiskOwner>();
  for (const id of new Set(listing.disks.map(({ instanceId }) => instanceId))) {
    const instance = living.get(id) ?? (await store.instances.get(id))?.instance;
    if (instance !== undefined) owners.set(id, ownerOf(instance));
  }
  return owners;
}
