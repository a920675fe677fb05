/** What instances take of hosts, beside what they take of storages that hosts share. Pure. */
import type { InstanceRecord } from "../records/instance.ts";

/**
 * What an instance takes of its host, whichever that is. The room of a disk on a storage that hosts share is
 * counted there once, by the instance's own row (db/rules/storage).
 */
export function hostSizeOf({ flavor, storageId }: Pick<InstanceRecord, "flavor" | "storageId">) {
  const { vcpus, memoryMib, diskGib } = flavor;
  return { vcpus, memoryMib, diskGib: storageId === null ? diskGib : 0 };
}
