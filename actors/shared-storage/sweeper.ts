/**
 * Removes disks that nobody owns from shared storage: looks at what is there from time to time, and has a
 * host that sees it remove what is certainly nobody's (actors/shared-storage/ownerless.ts). Every controller
 * does it; twice is harmless. It must never name a disk that a take-over may need.
 */
import { limits } from "../../protocol/limits/limits.ts";
import type { SharedDisk } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import type { Store } from "../ports/store.ts";
import type { HostRecord } from "../records/host.ts";
import type { InstanceRecord } from "../records/instance.ts";
import type { ActorContext, ActorDefinition } from "../runtime/system.ts";
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
  readonly store: Pick<Store, "listInstances" | "getInstance">;
  readonly directory: KnownHosts;
  readonly agent: (hostId: string) => StorageAgent;
}

/** The hosts that the controller knows, and whether each was heard from lately. */
interface KnownHosts {
  all(): readonly HostRecord[];
  alive(hostId: string): boolean;
}

interface Tick {
  readonly kind: "tick";
}

export function sweeperDefinition(options: SweeperOptions): ActorDefinition<null, Tick> {
  return {
    name: "sweeper",
    init: async (context) => {
      tickLater(context);
      return null;
    },
    receive: async (_state, _message, context) => {
      await sweep(options, context.log);
      tickLater(context);
      return null;
    },
  };
}

function tickLater(context: ActorContext<Tick>): void {
  const cancel = () => timer.cancel();
  const timer = context.clock.after(limits.sweepPeriodMs, () => {
    context.signal.removeEventListener("abort", cancel);
    if (!context.signal.aborted) context.self.tell({ kind: "tick" });
  });
  context.signal.addEventListener("abort", cancel, { once: true });
}

/** One round; what fails is tried again with the next one. */
export async function sweep(options: SweeperOptions, log: Log): Promise<void> {
  const { directory } = options;
  const alive = directory.all().filter(({ id }) => directory.alive(id));
  for (const storage of storagesOf(alive)) {
    try {
      await sweepOne(storage, options, log);
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Looking for disks that nobody owns");
      log.warn({ reason, message, storage: storage.storageId }, "a storage was not swept");
    }
  }
}

async function sweepOne(storage: Storage, { store, agent }: SweeperOptions, log: Log): Promise<void> {
  const timeoutMs = limits.hostRequestTimeoutMs;
  const listing = await listStorage(storage, agent, timeoutMs);
  if (listing === undefined) return;
  if ("error" in listing) throw new StatusError("hostUnreachable", listing.error);
  if (listing.disks.length === 0) return;
  const ownerless = await ownerlessOn(listing, store);
  const { storageId, hostId } = listing;
  for (let from = 0; from < ownerless.length; from += limits.sharedDisksRemovedMax) {
    const disks = ownerless.slice(from, from + limits.sharedDisksRemovedMax);
    const { removed } = await agent(hostId).removeSharedDisks({ storageId, disks }, { timeoutMs });
    for (const { instanceId: instance, epoch } of removed)
      log.info({ instance, epoch, storage: storageId }, "a disk that nobody owned was removed");
  }
}

async function ownerlessOn(
  listing: StorageListing,
  store: SweeperOptions["store"],
): Promise<readonly SharedDisk[]> {
  const owners = await ownersOf(listing, await livingOn(listing, store), store);
  return [...epochsOf(listing)].flatMap(([instanceId, epochs]) => {
    const epoch = ownerlessUpTo(listing.storageId, epochs, owners.get(instanceId));
    return epoch === 0 ? [] : [{ instanceId, epoch }];
  });
}

/** Page by page: to ask for each of them would be ten thousand questions. */
async function livingOn(
  { disks }: StorageListing,
  store: SweeperOptions["store"],
): Promise<ReadonlyMap<string, InstanceRecord>> {
  const there = new Set(disks.map(({ instanceId }) => instanceId));
  const living = new Map<string, InstanceRecord>();
  for (let marker: { marker?: string } = {}; ; ) {
    const rows = await store.listInstances({ limit: limits.pageLengthMax, ...marker });
    for (const { instance } of rows) if (there.has(instance.id)) living.set(instance.id, instance);
    const last = rows.at(-1);
    if (last === undefined || rows.length < limits.pageLengthMax) return living;
    marker = { marker: last.instance.id };
  }
}
