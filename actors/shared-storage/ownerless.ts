/**
 * Which disks on shared storage nobody owns. It concludes this only from facts that stay true once they are
 * true, so the age of the listing and of the row does not matter. Pure.
 *
 * - No host claims an instance that is deleted and settled, and none ever will: nobody owns its disks of any
 *   owner epoch up to its last one.
 * - A host takes over the disk of the highest owner epoch below its own, and is refused when a disk of a
 *   higher one exists. So a disk below another disk of the same instance is never opened again.
 * - An instance whose disk is on another storage got it there before its guest ran, and keeps it there:
 *   nobody owns the disks that owner epochs before the present one left here.
 *
 * A disk of a later owner epoch than the row's shows that the row is old (a restored database): then nothing
 * is certain. Nor is anything certain about a disk of an unknown instance: another cell may use the storage.
 */
import type { InstanceRecord } from "../records/instance.ts";

/** What an instance's row says about its owner. Functions take undefined for an instance without a row. */
export interface DiskOwner {
  readonly ownerEpoch: number;
  readonly storageId: string | null;
  readonly deleted: boolean;
  /** No work is under way on any host, and no operation. */
  readonly settled: boolean;
}

export const ownerOf = ({ ownerEpoch, storageId, ...row }: InstanceRecord): DiskOwner => ({
  ownerEpoch,
  storageId,
  deleted: row.deletedAtMs !== null,
  settled: row.settled && row.operationId === null,
});

/**
 * The newest owner epoch whose disk on this storage nobody owns for certain; nobody owns the earlier disks
 * either. 0: none. `epochs`: the owner epochs that have a disk there, ascending.
 */
export function ownerlessUpTo(
  storageId: string,
  epochs: readonly number[],
  owner: DiskOwner | undefined,
): number {
  const newest = epochs.at(-1) ?? 0;
  if (owner === undefined || !owner.settled || newest > owner.ownerEpoch) return 0;
  const last = lastOwnerless(storageId, newest, owner);
  return epochs.findLast((ownerEpoch) => ownerEpoch <= last) ?? 0;
}

function lastOwnerless(storageId: string, newest: number, owner: DiskOwner): number {
  if (owner.deleted) return owner.ownerEpoch;
  return (owner.storageId === storageId ? newest : owner.ownerEpoch) - 1;
}
