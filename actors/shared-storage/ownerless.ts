/**
 * Which disks on shared storage are nobody's. Only by what stays true once it is true, so that it does not
 * matter how long ago the storage and the row were read. Pure.
 *
 * - An instance that is deleted and settled is claimed by no host, and never will be: what is left of any of
 *   its epochs, up to the one that it ended with, is nobody's.
 * - A host takes over the disk of the highest epoch below its own, and is refused when there is a higher one
 *   than its own: what is below another disk of the same instance is never opened again.
 * - An instance whose disk is in another storage got it there before its guest ran, and keeps it there: what
 *   epochs before its present one have left here is nobody's.
 *
 * A disk of a later epoch than the row knows says that the row is old (a database that was restored): then
 * nothing is certain. So it is of an instance that nobody knows: another cell may use the storage.
 */
import type { InstanceRecord } from "../records/instance.ts";

/** What an instance's row says; undefined: there is no row. */
export interface DiskOwner {
  readonly epoch: number;
  readonly storageId: string | null;
  readonly deleted: boolean;
  /** Nothing is under way with it, on any host. */
  readonly settled: boolean;
}

export const ownerOf = ({ epoch, storageId, ...row }: InstanceRecord): DiskOwner => ({
  epoch,
  storageId,
  deleted: row.deletedAtMs !== null,
  settled: row.settled && row.operationId === null,
});

/**
 * The newest of the epochs whose disk in this storage is certainly nobody's, and with it those before; 0:
 * none. `epochs`: which have one there, ascending.
 */
export function ownerlessUpTo(
  storageId: string,
  epochs: readonly number[],
  owner: DiskOwner | undefined,
): number {
  const newest = epochs.at(-1) ?? 0;
  if (owner === undefined || !owner.settled || newest > owner.epoch) return 0;
  const last = lastOwnerless(storageId, newest, owner);
  return epochs.findLast((epoch) => epoch <= last) ?? 0;
}

function lastOwnerless(storageId: string, newest: number, owner: DiskOwner): number {
  if (owner.deleted) return owner.epoch;
  return (owner.storageId === storageId ? newest : owner.epoch) - 1;
}
