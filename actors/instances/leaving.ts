/**
 * Who is on a host, who of them may leave it, and how far that has come: derived from the rows each time, so
 * that a controller that begins knows what another one knew. Reads only.
 */
import type { Drain } from "../../protocol/host.ts";
import { limits } from "../../protocol/limits.ts";
import { isBusy, moveDenied } from "../instance/move.ts";
import type { Store } from "../runtime/ports.ts";
import type { Draining, InstanceRecord } from "../runtime/records.ts";

export type LeavingStore = Pick<Store, "listInstances" | "listOnHost" | "getInstance">;

export interface OnHost {
  /** It is their host, in order of their ids. */
  readonly owned: readonly InstanceRecord[];
  /** It is not their host any more, and has not said yet that they are gone. Deleted ones are not counted. */
  readonly leaving: number;
}

export async function onHost(hostId: string, store: LeavingStore): Promise<OnHost> {
  const owned = await ownedBy(hostId, store);
  const ours = new Set(owned.map(({ id }) => id));
  let leaving = 0;
  for (const id of await store.listOnHost(hostId)) {
    if (ours.has(id)) continue;
    const row = await store.getInstance(id);
    if (row !== undefined && row.instance.desired !== "deleted") leaving += 1;
  }
  return { owned, leaving };
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

/** Those that may be asked to leave now, in the order in which they are. */
export function mayLeave({ owned }: OnHost): readonly InstanceRecord[] {
  return owned.filter((instance) => !isBusy(instance) && moveDenied(instance) === undefined);
}

/** Why it may not be moved now, as a sentence without its full stop; true: it may. */
export function movableNow(instance: InstanceRecord): true | string {
  if (isBusy(instance)) return "Something is under way with it";
  return moveDenied(instance)?.replace(/\.$/, "") ?? true;
}

/** `obstacles`: what stood in the way of those that may leave, when it was tried last. */
export function drainOf(
  { owned, leaving }: OnHost,
  draining: Draining,
  obstacles: ReadonlyMap<string, string>,
): Drain {
  const cannot = owned.flatMap((instance) => {
    if (instance.desired === "deleted") return [];
    const why = moveDenied(instance) ?? obstacles.get(instance.id);
    return why === undefined ? [] : [{ instanceId: instance.id, name: instance.name, why }];
  });
  return {
    moving: leaving,
    moved: Math.max(0, draining.instances - owned.length - leaving),
    left: owned.length - cannot.length,
    cannot: cannot.slice(0, limits.drainListedMax),
    staying: cannot.length,
  };
}
