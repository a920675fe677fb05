/**
 * Reads what is on a host, and how far its drain has come. Derived from the rows each time, so that a
 * controller that has just started knows what another knew. Reads only.
 */
import type { Drain } from "../../../protocol/host.ts";
import type { Whereabouts } from "../../ports/instance-reads.ts";
import type { HostRecord } from "../../records/host.ts";
import { type LeavingStore, ownedBy } from "../instance/leaving.ts";
import { drainOf } from "./drain.ts";
import type { OnHost } from "./messages.ts";

async function onHost(hostId: string, store: LeavingStore): Promise<OnHost> {
  const owned = await ownedBy(hostId, store);
  const ours = new Set(owned.map(({ id }) => id));
  const others = (await store.instances.onHost(hostId)).filter((id) => !ours.has(id));
  const living = others.length === 0 ? [] : await store.instances.whereabouts(others);
  const leaving = living.filter(({ desired }) => desired !== "deleted");
  return {
    owned,
    leaving: leaving.map(({ instanceId }) => instanceId),
    deleting: others.length - leaving.length,
  };
}

/** What is on the host, and which of the instances that its drain began with are not deleted. */
export interface There {
  readonly there: OnHost;
  readonly living?: readonly Whereabouts[];
}

export async function thereOn(
  { id, draining }: Pick<HostRecord, "id" | "draining">,
  store: LeavingStore,
): Promise<There> {
  // In this order, an instance that leaves between the two reads counts as still there.
  const there = await onHost(id, store);
  const ids = draining?.instanceIds;
  return ids === undefined ? { there } : { there, living: await store.instances.whereabouts(ids) };
}

/** The drain of a host as it is now; undefined when the host is not drained. */
export async function drainNow(
  host: Pick<HostRecord, "id" | "draining">,
  store: LeavingStore,
  obstacles: ReadonlyMap<string, string>,
): Promise<Drain | undefined> {
  if (host.draining === null) return undefined;
  return drainOf(await thereOn(host, store), host.draining, obstacles);
}
