/**
 * Volumes that are made from other ones: what is written when a copy is asked for, when it is there, and when
 * nobody wants it any more. From the first commit to the last each of the two has the other one as its
 * holder: so nobody attaches, extends or deletes what is read, nor has what is half made. Pure.
 */
import { volume } from "../../../../protocol/volume.ts";
import { volumeCopy } from "../../../../protocol/volume-copy.ts";
import { faulty } from "../../../../protocol/wire/denials.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { gibibytes } from "../../../../protocol/wire/wording.ts";
import type { RowChange } from "../../../records/rows.ts";
import { rowMade, rowRemoved } from "../../request/row-changes.ts";

type VolumeRow = RowOf<typeof volume>;
export type CopyRow = RowOf<typeof volumeCopy>;

/** A copy is a volume that a host has under this epoch, before any instance has had it. */
const firstEpoch = 1;

/**
 * What the row of a new volume says beside name and description. A source without a file is no more than what
 * it is to be made from: then the new one is made from that, too. @throws schemaMismatch, notCopyable
 */
export function copiedFields(source: VolumeRow, askedGib: number | undefined): object {
  const { sizeGib: leastGib, storageId, hostId, made, imageId } = source;
  const sizeGib = askedGib ?? leastGib;
  if (sizeGib < leastGib)
    throw faulty("sizeGib", `is less than the ${gibibytes(leastGib)} of the volume ${source.name}`);
  if (!made && source.epoch > 0) throw unknownContent(source);
  const about = { sizeGib, source: source.source, made: false, storageId };
  return made
    ? { ...about, hostId, imageId: null, instanceId: source.id, epoch: firstEpoch }
    : { ...about, hostId: null, imageId, instanceId: null, epoch: 0 };
}

/** Some host may have made it, and a guest may have written to it, without a word that came here. */
const unknownContent = ({ name }: VolumeRow): StatusError => {
  const why = "an instance has had it, and no host has said yet whether it is made";
  const next = "Attach it to an instance that runs, and detach it.";
  return new StatusError("notCopyable", `The volume ${name} cannot be copied: ${why}. ${next}`);
};

/** Beside the new volume's own row: the source is held from now on, and is of another epoch. */
export function copyBegun(source: VolumeRow, copy: VolumeRow): readonly RowChange[] {
  if (copy.instanceId === null) return [];
  const { id: sourceId, project, epoch, sizeGib } = source;
  const whereHas = { project, instanceId: null, epoch, sizeGib, made: true };
  const set = { instanceId: copy.id, epoch: epoch + 1 };
  const { id, storageId, hostId, createdAtMs } = copy;
  const work = {
    ...{ id, project: copy.project, name: id, sourceId, sourceEpoch: epoch + 1, epoch: copy.epoch },
    ...{ sizeGib: copy.sizeGib, storageId, hostId, createdAtMs, version: 1 },
  };
  return [{ resource: volume, patched: sourceId, whereHas, set }, rowMade(volumeCopy, work)];
}

/** A host has said that the copy is there: both are free. */
export const copyMade = ({ id, sourceId }: CopyRow): readonly RowChange[] => [
  freed(sourceId, id),
  {
    ...{ resource: volume, patched: id, whereHas: { instanceId: sourceId, made: false } },
    set: { made: true, instanceId: null },
  },
  rowRemoved(volumeCopy, { id }),
];

/** Before the row of the new volume is removed: nobody goes on with it. */
export const copyGivenUp = ({ id, instanceId }: VolumeRow): readonly RowChange[] =>
  instanceId === null ? [] : [freed(instanceId, id), rowRemoved(volumeCopy, { id })];

const freed = (sourceId: string, copyId: string): RowChange => ({
  ...{ resource: volume, patched: sourceId, whereHas: { instanceId: copyId }, set: { instanceId: null } },
});
