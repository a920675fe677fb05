/**
 * The sweeper removes disks that nobody owns from shared storage: it lists each storage from time to time,
 * and tells a host that shares it to remove the disks that ownerless.ts is certain of. Every controller
 * sweeps; removing twice is harmless. It must never name a disk that a take-over may need.
 */
import { storageLimits } from "../../protocol/limits/storage.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import type { SharedDisk } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import type { StorePart } from "../ports/store.ts";
import type { HostRecord } from "../records/host.ts";
import type { InstanceRecord } from "../records/instance.ts";
import { type PeriodicActor, periodicActor, type Round } from "../runtime/periodic.ts";
import { sharedStorageLimits } from "./limits.ts";
import {
  epochsOf,
  listStorage,
  ownersOf,
  type Storage,
  type StorageAgent,
  type StorageListing,
  storagesOf,
} from "./listing.ts";
import { ownerlessUpTo } from "./ownerless.ts";

export interface SweeperOptions {
  readonly store: StorePart<{ instances: "list" | "get" }>;
  readonly directory: KnownHosts;
  readonly agent: (hostId: string) => StorageAgent;
}

/** The hosts that the controller knows, and whether each was heard from lately. */
interface KnownHosts {
  all(): readonly HostRecord[];
  alive(hostId: string): boolean;
}

export function sweeperDefinition(options: SweeperOptions): PeriodicActor<null> {
  return periodicActor<null>({
    name: "sweeper",
    pauseMs: () => storageLimits.sweepPeriodMs,
    roundMsMax: sharedStorageLimits.sweepRoundMsMax,
    begin: () => null,
    round: async (_state, { log }, one) => {
      await sweep(options, { log, ...one });
      return null;
    },
  });
}

/** One round over all storages; a storage that fails is swept again in the next round. */
export async function sweep(
  options: SweeperOptions,
  { log, fail, did, signal }: Round & { readonly log: Log },
): Promise<void> {
  const { directory } = options;
  const alive = directory.all().filter(({ id }) => directory.alive(id));
  let removed = 0;
  const storages = storagesOf(alive);
  for (const storage of storages) {
    if (signal.aborted) return;
    try {
      removed += await sweepOne(storage, options, log);
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Looking for disks that nobody owns");
      log.warn({ reason, message, storage: storage.storageId }, "a storage was not swept");
      fail();
    }
  }
  did(`${storages.length} storages swept, ${removed} disks removed`);
}

/** Answers how many disks it has removed. */
async function sweepOne(storage: Storage, { store, agent }: SweeperOptions, log: Log): Promise<number> {
  const timeoutMs = wireLimits.hostRequestTimeoutMs;
  const listing = await listStorage(storage, agent, timeoutMs);
  if ("error" in listing) throw new StatusError("hostUnreachable", listing.error);
  if (listing.disks.length === 0) return 0;
  const ownerless = await ownerlessOn(listing, store);
  const { storageId, hostId } = listing;
  for (let from = 0; from < ownerless.length; from += storageLimits.sharedDisksRemovedMax) {
    const disks = ownerless.slice(from, from + storageLimits.sharedDisksRemovedMax);
    const { removed } = await agent(hostId).removeSharedDisks({ storageId, disks }, { timeoutMs });
    for (const { instanceId: instance, ownerEpoch } of removed)
      log.info({ instance, ownerEpoch, storage: storageId }, "a disk that nobody owned was removed");
  }
  return ownerless.length;
}

async function ownerlessOn(
  listing: StorageListing,
  store: SweeperOptions["store"],
): Promise<readonly SharedDisk[]> {
  const owners = await ownersOf(listing, await livingOn(listing, store), store);
  return [...epochsOf(listing)].flatMap(([instanceId, epochs]) => {
    const ownerEpoch = ownerlessUpTo(listing.storageId, epochs, owners.get(instanceId));
    return ownerEpoch === 0 ? [] : [{ instanceId, ownerEpoch }];
  });
}

/** Reads the instances page by page: one question for each disk would be ten thousand questions. */
async function livingOn(
  { disks }: StorageListing,
  store: SweeperOptions["store"],
): Promise<ReadonlyMap<string, InstanceRecord>> {
  const there = new Set(disks.map(({ instanceId }) => instanceId));
  const living = new Map<string, InstanceRecord>();
  for (let marker: { marker?: string } = {}; ; ) {
    const { rows } = await store.instances.list({ limit: wireLimits.pageLengthMax, ...marker });
    for (const { instance } of rows) if (there.has(instance.id)) living.set(instance.id, instance);
    const last = rows.at(-1);
    if (last === undefined || rows.length < wireLimits.pageLengthMax) return living;
    marker = { marker: last.instance.id };
  }
}
