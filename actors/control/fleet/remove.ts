/**
 * Whether a host may be removed: an empty one, or a fenced one whose remains are of instances that were
 * deleted, or that left and are stopped by the fence. The commit looks again; the host lease is kept in case
 * the host comes back. No claim may be released whose guest may still run (I9).
 */
import { placementLimits } from "../../../protocol/limits/placement.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostRecord } from "../../records/host.ts";
import { type LeavingStore, notStopped, ownedBy } from "../instance/leaving.ts";

export interface RemoveOptions {
  readonly store: LeavingStore & StorePart<{ instances: "load" }>;
}

/** @throws hostNotEmpty */
export async function assertEmpty(host: HostRecord, { store }: RemoveOptions): Promise<void> {
  const fenced = host.lease !== null && host.lease.fencedBy !== null;
  const owned = await ownedBy(host.id, store);
  const ours = new Set(owned.map(({ id }) => id));
  const others = (await store.instances.onHost(host.id)).filter((id) => !ours.has(id));
  const loose = fenced ? await notStopped(others, host, store) : [];
  if (owned.length + loose.length === 0 && (fenced || others.length === 0)) return;
  const parked = others.length - loose.length;
  const left = [
    ...(owned.length > 0 ? [`${owned.length} ${owned.length === 1 ? "instance" : "instances"}`] : []),
    ...(loose.length > 0
      ? [`${loose.length} that left and may run there: its fence does not stop them`]
      : []),
    ...(parked > 0 ? [`remains of ${parked} that were deleted or have left`] : []),
  ];
  const unproved = owned.length === 0 && !fenced ? ", and it is not fenced" : "";
  const message = `The host ${host.name} still has ${left.join(" and ")}${unproved}.`;
  const named = [...owned, ...loose].slice(0, placementLimits.drainListedMax);
  throw new StatusError("hostNotEmpty", message, {
    details: { instances: named.map(({ id, name }) => ({ instanceId: id, name })), parked },
  });
}
