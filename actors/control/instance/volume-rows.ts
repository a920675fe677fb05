/**
 * The rows of volumes, as the volumes of an instance change: what is in the instance's row is in theirs, by
 * the same commit. Each is changed only if it is as the instance has it, so that no volume has two instances.
 * Pure.
 */
import { deletedVolume, volume } from "../../../protocol/volume.ts";
import type { AttachedVolume, InstanceRecord } from "../../records/instance.ts";
import type { RowChange } from "../../records/rows.ts";
import { rowMade } from "../request/row-changes.ts";
import { goesWithInstance } from "./volumes.ts";

type Volumed = Pick<InstanceRecord, "id" | "volumes" | "desired">;

/** What is to be written of the volumes for the instance to be this. `nowMs`: when. */
export function volumeRows(before: Volumed, after: Volumed, nowMs: number): readonly RowChange[] {
  if (before.volumes === after.volumes) return [];
  const was = new Map((before.volumes ?? []).map((one) => [one.volumeId, one]));
  const is = new Map((after.volumes ?? []).map((one) => [one.volumeId, one]));
  const gone = [...was.values()].filter(({ volumeId }) => !is.has(volumeId));
  return [
    ...[...is.values()].flatMap((one) => written(after.id, was.get(one.volumeId), one)),
    ...gone.flatMap((one) => letGo(after, one, nowMs)),
  ];
}

function written(
  instanceId: string,
  before: AttachedVolume | undefined,
  after: AttachedVolume,
): readonly RowChange[] {
  const { volumeId, project, epoch, sizeGib, storageId, hostId, made } = after;
  const about = { resource: volume, patched: volumeId };
  if (before === undefined) {
    const whereHas = { project, instanceId: null, epoch: epoch - 1, sizeGib, storageId, made };
    return [{ ...about, whereHas, set: { instanceId, epoch, hostId } }];
  }
  const set = {
    ...(epoch === before.epoch ? {} : { epoch }),
    ...(sizeGib === before.sizeGib ? {} : { sizeGib }),
    // The image that it was to be made from is free.
    ...(made === before.made ? {} : { made, imageId: null }),
  };
  if (Object.keys(set).length === 0) return [];
  const whereHas = { project, instanceId, epoch: before.epoch, sizeGib: before.sizeGib };
  return [{ ...about, whereHas, set, grows: sizeGib - before.sizeGib }];
}

/** A volume that is deleted with its instance leaves a row of what its storage may have. */
function letGo(instance: Volumed, gone: AttachedVolume, createdAtMs: number): readonly RowChange[] {
  const { id: instanceId } = instance;
  const { volumeId: id, project, epoch, sizeGib, storageId, hostId } = gone;
  const whereHas = { project, instanceId, epoch };
  const freed: RowChange = { resource: volume, patched: id, whereHas, set: { instanceId: null } };
  if (!goesWithInstance(instance, gone)) return [freed];
  const left = { id, project, name: id, sizeGib, storageId, hostId, epoch, createdAtMs, version: 1 };
  return [freed, { resource: volume, removed: id }, rowMade(deletedVolume, left)];
}
