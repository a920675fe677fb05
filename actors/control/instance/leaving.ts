/**
 * The instances on a host: which are there, which may leave it, and how far a drain has come. Derived from
 * the rows each time, so that a controller that has just started knows what another knew. Reads only.
 */
import type { Drain } from "../../../protocol/host.ts";
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { Store, Whereabouts } from "../../ports/store.ts";
import type { Draining, HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { isBusy, moveDenied } from "./move.ts";
import { opensElsewhere } from "./state.ts";

export type LeavingStore = Pick<Store, "listInstances" | "listOnHost" | "whereabouts">;

export interface OnHost {
  /** Instances that the host owns, in order of id. */
  readonly owned: readonly InstanceRecord[];
  /**
   * Ids of instances that the host does not own any more, but whose `gone` it has not reported. Without those
   * to be deleted.
   */
  readonly leaving: readonly string[];
}

export async function onHost(hostId: string, store: LeavingStore): Promise<OnHost> {
  const owned = await ownedBy(hostId, store);
  const ours = new Set(owned.map(({ id }) => id));
  const others = (await store.listOnHost(hostId)).filter((id) => !ours.has(id));
  const living = others.length === 0 ? [] : await store.whereabouts(others);
  const leaving = living.filter(({ desired }) => desired !== "deleted");
  return { owned, leaving: leaving.map(({ instanceId }) => instanceId) };
}

/** The instances of a host; without `hostId`, of all hosts. */
export async function ownedBy(
  hostId: string | undefined,
  store: Pick<Store, "listInstances">,
): Promise<readonly InstanceRecord[]> {
  const all: InstanceRecord[] = [];
  let marker: string | undefined;
  for (;;) {
    const page = { limit: wireLimits.pageLengthMax, ...(marker === undefined ? {} : { marker }) };
    const hosts = hostId === undefined ? {} : { hostIds: [hostId] };
    const { rows } = await store.listInstances({ ...page, ...hosts });
    all.push(...rows.flatMap(({ instance }) => (instance.hostId === null ? [] : [instance])));
    marker = rows.at(-1)?.instance.id;
    if (rows.length < wireLimits.pageLengthMax) return all;
  }
}

/**
 * The instances that left and are not deleted, but whose guests may still run there: a fence by silence stops
 * no guest without a host lease, and none whose disk is only on that host. Starting them elsewhere could run
 * the same guest twice (I2).
 */
export async function notStopped(
  instanceIds: readonly string[],
  { id: hostId, lease }: HostRecord,
  store: Pick<Store, "loadInstance">,
): Promise<readonly InstanceRecord[]> {
  const kind = lease?.fencedBy?.kind;
  if (kind === "power" || kind === "operator") return [];
  const found: InstanceRecord[] = [];
  for (const id of instanceIds) {
    const { instance, claims = [] } = (await store.loadInstance(id)) ?? {};
    if (instance === undefined || instance.deletedAtMs !== null) continue;
    const bound = (leaseEpoch: number) => leaseEpoch > 0 && opensElsewhere(instance);
    if (claims.some((claim) => claim.hostId === hostId && !bound(claim.leaseEpoch))) found.push(instance);
  }
  return found;
}

/** The instances that may be asked to leave now, in that order. */
export function mayLeave({ owned }: OnHost): readonly InstanceRecord[] {
  return owned.filter((instance) => !isBusy(instance) && moveDenied(instance) === undefined);
}

/** True when the instance may be moved now; else why not, as a sentence without its full stop. */
export function movableNow(instance: InstanceRecord): true | string {
  if (isBusy(instance)) return "Something is under way with it";
  return moveDenied(instance)?.replace(/\.$/, "") ?? true;
}

/**
 * How far the drain is. `obstacles`: why instances that may leave did not, at the last attempt. `living`: the
 * instances that were there when the drain began and are not deleted; absent: they were too many to remember.
 */
function drainOf(
  { owned, leaving }: OnHost,
  draining: Draining,
  { obstacles, living }: { readonly obstacles: ReadonlyMap<string, string>; readonly living?: Living },
): Drain {
  const cannot = owned.flatMap((instance) => {
    if (instance.desired === "deleted") return [];
    const why = moveDenied(instance) ?? obstacles.get(instance.id);
    return why === undefined ? [] : [{ instanceId: instance.id, name: instance.name, why }];
  });
  return {
    moving: leaving.length,
    moved: Math.max(0, draining.instances - owned.length - leaving.length),
    ...(living === undefined ? {} : counted({ owned, leaving }, draining, living)),
    left: owned.length - cannot.length,
    cannot: cannot.slice(0, placementLimits.drainListedMax),
    staying: cannot.length,
  };
}

type Living = readonly Whereabouts[];

/**
 * Counts the instances that left the host. An instance that is to run counts as moving until another host
 * owns it.
 */
function counted(
  { owned, leaving }: OnHost,
  { instances }: Draining,
  living: Living,
): Pick<Required<Drain>, "moving" | "moved" | "deleted"> {
  const here = new Set([...owned.map(({ id }) => id), ...leaving]);
  const left = living.filter(({ instanceId }) => !here.has(instanceId));
  const between = left.filter(({ hostId, desired }) => hostId === null && desired !== "stopped");
  return {
    moving: leaving.length + between.length,
    moved: left.length - between.length,
    deleted: instances - living.length,
  };
}

/** The drain of a host as it is now; undefined when the host is not drained. */
export async function drainNow(
  { id, draining }: Pick<HostRecord, "id" | "draining">,
  store: LeavingStore,
  obstacles: ReadonlyMap<string, string>,
): Promise<Drain | undefined> {
  if (draining === null) return undefined;
  const { instanceIds } = draining;
  // In this order, an instance that leaves between the two reads counts as still there.
  const there = await onHost(id, store);
  const living = instanceIds === undefined ? undefined : await store.whereabouts(instanceIds);
  return drainOf(there, draining, { obstacles, ...(living === undefined ? {} : { living }) });
}
