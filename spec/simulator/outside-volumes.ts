/**
 * A storage of volumes that hosts share by a driver from outside, beside that of their disks or without any.
 * Not all hosts see it, so that some may not have its volumes.
 */
import { FakeVolumePool } from "../../nodes/drivers/fake/volumes.ts";
import type { Parameters } from "./plan-parameters.ts";

export const outsideStorageId = "outside";

export const outsideOf = ({ outsideGib }: Parameters): FakeVolumePool | undefined =>
  outsideGib === undefined ? undefined : new FakeVolumePool(outsideStorageId, outsideGib * 1024 ** 3);

/** All but each third one. */
export const seenBy = (index: number, outsideVolumes: FakeVolumePool | undefined) =>
  outsideVolumes === undefined || index % 3 === 2 ? {} : { outsideVolumes };
