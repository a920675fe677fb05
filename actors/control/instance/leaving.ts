/**
 * Who is on a host, who of them may leave it, and how far that has come: derived from the rows each time, so
 * that a controller that begins knows what another one knew. Reads only.
 */
import type { Drain } from "../../../protocol/host.ts";
import { limits } from "../../../protocol/limits/limits.ts";
import type { Store, Whereabouts } from "../../ports/store.ts";
import type { Draining, HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { isBusy, moveDenied } from "./move.ts";
import { opensElsewhere } from "./state.ts";

export type LeavingStore = Pick<Store, "listInstances" | "listOnHost" | "whereabouts">;

export interface OnHost {
  /** It is their host, in order of their ids. */
  readonly owned: readonly InstanceRecord[];
  /**
   * Ids: it is not their host any more, and has not said yet that they are gone. Without those that shall be
   * deleted.
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

/** Without a host: all that are on any. */
export async function ownedBy(
  hostId: string | undefined,
  store: Pick<Store, "listInstances">,
): Promise<readonly InstanceRecord[]> {
  const all: InstanceRecord[] = [];
  let marker: string | undefined;
  for (;;) {
    const page = { limit: limits.pageLengthMax, ...(marker === undefined ? {} : { marker }) };
    const rows = await store.listInstances({ ...page, ...(hostId === undefined ? {} : { hostId }) });
    all.push(...rows.flatMap(({ instance }) => (instance.hostId === null ? [] : [instance])));
    marker = rows.at(-1)?.instance.id;
    if (rows.length < limits.pageLengthMax) return all;
  }
}

/**
 * Those that left and are not deleted, and whose guests may run there all the same: a fence by silence stops
 * no guest without a lease, and none whose disk is only there. To start them elsewhere would be a second one.
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

/** Those that may be asked to leave now, in the order in which they are. */
export function mayLeave({ owned }: OnHost): readonly InstanceRecord[] {
  return owned.filter((instance) => !isBusy(instance) && moveDenied(instance) === undefined);
}

/** Why it may not be moved now, as a sentence without its full stop; true: it may. */
export function movableNow(instance: InstanceRecord): true | string {
  if (isBusy(instance)) return "Something is under way with it";
  return moveDenied(instance)?.replace(/\.$/, "") ?? true;
}

/**
 * `obstacles`: what stood in the way of those that may leave, when it was tried last. `living`: those that
 * were there when it began and are not deleted; absent: nobody remembers who was there.
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
    cannot: cannot.slice(0, limits.drainListedMax),
    staying: cannot.length,
  };
}

type Living = readonly Whereabouts[];

/** Who has left and shall run has moved when it is on another host; in between it is on its way. */
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

/** As it is now; undefined when the host is not drained. */
export async function drainNow(
  { id, draining }: Pick<HostRecord, "id" | "draining">,
  store: LeavingStore,
  obstacles: ReadonlyMap<string, string>,
): Promise<Drain | undefined> {
  if (draining === null) return undefined;
  const { instanceIds } = draining;
  // In this order: who leaves in between is counted as still there.
  const there = await onHost(id, store);
  const living = instanceIds === undefined ? undefined : await store.whereabouts(instanceIds);
  return drainOf(there, draining, { obstacles, ...(living === undefined ? {} : { living }) });
}
