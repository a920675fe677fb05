/**
 * The instances of a host: which they are, and which may leave it. Derived from the rows each time, so that a
 * controller that has just started knows what another knew. Reads only.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { isBusy, moveDenied } from "./move.ts";
import { opensElsewhere } from "./state.ts";

export type LeavingStore = StorePart<{ instances: "list" | "onHost" | "whereabouts" }>;

/** The instances of a host; without `hostId`, of all hosts. */
export async function ownedBy(
  hostId: string | undefined,
  store: StorePart<{ instances: "list" }>,
): Promise<readonly InstanceRecord[]> {
  const all: InstanceRecord[] = [];
  let marker: string | undefined;
  for (;;) {
    const page = { limit: wireLimits.pageLengthMax, ...(marker === undefined ? {} : { marker }) };
    const hosts = hostId === undefined ? {} : { hostIds: [hostId] };
    const { rows } = await store.instances.list({ ...page, ...hosts });
    all.push(...rows.flatMap(({ instance }) => (instance.hostId === null ? [] : [instance])));
    marker = rows.at(-1)?.instance.id;
    if (rows.length < wireLimits.pageLengthMax) return all;
  }
}

/**
 * The instances that left, but whose guests may still run there: a fence by silence stops no guest without a
 * host lease, and none whose disk is only on that host. Starting them elsewhere could run the same guest
 * twice (I2), and the addresses of one that is deleted could be given to another while it sends from them
 * (N1). What is deleted and has no ports can do no harm.
 */
export async function notStopped(
  instanceIds: readonly string[],
  { id: hostId, lease }: HostRecord,
  store: StorePart<{ instances: "load" }>,
): Promise<readonly InstanceRecord[]> {
  const kind = lease?.fencedBy?.kind;
  if (kind === "power" || kind === "operator") return [];
  const found: InstanceRecord[] = [];
  for (const id of instanceIds) {
    const { instance, claims = [] } = (await store.instances.load(id)) ?? {};
    if (instance === undefined || isHarmless(instance)) continue;
    const bound = (leaseEpoch: number) => leaseEpoch > 0 && opensElsewhere(instance);
    if (claims.some((claim) => claim.hostId === hostId && !bound(claim.leaseEpoch))) found.push(instance);
  }
  return found;
}

const isHarmless = ({ deletedAtMs, interfaces, volumes }: InstanceRecord): boolean =>
  deletedAtMs !== null && (interfaces ?? []).length === 0 && (volumes ?? []).length === 0;

/** The instances of a host that may be asked to leave now, in that order. */
export function mayLeave(owned: readonly InstanceRecord[]): readonly InstanceRecord[] {
  return owned.filter((instance) => !isBusy(instance) && moveDenied(instance) === undefined);
}

/** True when the instance may be moved now; else why not, as a sentence without its full stop. */
export function movableNow(instance: InstanceRecord): true | string {
  if (isBusy(instance)) return "Something is under way with it";
  return moveDenied(instance)?.replace(/\.$/, "") ?? true;
}
