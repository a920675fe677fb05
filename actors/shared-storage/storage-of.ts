/** Which storage a host holds its storage lease on, by its row. Pure. */
import type { HostRecord } from "../records/host.ts";
import { sharedStorageLimits } from "./limits.ts";

/** The storage on which the agent and all guests of a host hold its storage lease; null: none is known. */
export function storageOf(lease: HostRecord["lease"]): string | null {
  const storage = lease?.fencedBy === null ? lease.storage : null;
  return storage !== null && storage.renewals >= sharedStorageLimits.storageRenewalsMin ? storage.id : null;
}
