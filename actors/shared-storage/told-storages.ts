/** How large each storage is that a host shares with others, by its own word. Pure. */
import type { HostRecord } from "../records/host.ts";

/** What of a host's row says so. */
export type TellingHost = Pick<HostRecord, "storageId" | "diskGib"> & {
  readonly drivers?: HostRecord["drivers"] | undefined;
};

/** That of its disks, and those that it has for volumes alone. As db/rules/storage/storages-told.sql. */
export function storagesToldBy({
  storageId,
  diskGib,
  drivers,
}: TellingHost): readonly { readonly id: string; readonly gib: number }[] {
  const others = (drivers?.volumeStorages ?? []).filter(({ id }) => id !== storageId);
  return [
    ...(storageId === null ? [] : [{ id: storageId, gib: diskGib }]),
    ...others.map(({ id, sizeGib }) => ({ id, gib: sizeGib })),
  ];
}
