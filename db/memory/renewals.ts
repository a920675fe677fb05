/** Renewals of host leases that arrive together, in memory. Pure. */
import type { Renewal } from "../../actors/ports/signs-of-life.ts";

/** One renewal for each host; renewals that contradict each other about the storage name none. */
export function onePerHost(renewals: readonly Renewal[]): readonly Renewal[] {
  const byKey = new Map<string, Renewal>();
  for (const one of renewals) {
    const key = `${one.hostId} ${one.leaseEpoch}`;
    const other = byKey.get(key);
    const same = other === undefined || other.storageId === one.storageId;
    byKey.set(key, same ? one : { ...one, storageId: null });
  }
  return [...byKey.values()];
}
