/**
 * The volumes that an instance is asked to have from its beginning: such as are there, and new ones that are
 * made with it. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { storageLimits } from "./limits/storage.ts";
import { Label, request } from "./wire/schema.ts";

const most = storageLimits.volumesPerInstanceMax;

export const AskedVolume = request({
  /** Id or name of one that no instance has. Absent: a new one is made, where root disks of the host are. */
  volume: Type.Optional(Label),
  /** Of a new one. Absent: as large as the image's disk. */
  sizeGib: Type.Optional(Type.Integer({ minimum: 1, maximum: fieldLimits.diskGibMax })),
  /** Id or name of the image that a new one is made from. Absent: it is empty. */
  image: Type.Optional(Label),
  /**
   * The order in which the guest's disks are tried at a boot. 0: it is the root disk, and the instance has no
   * other. Absent: it is not booted from.
   */
  bootIndex: Type.Optional(Type.Integer({ minimum: 0, maximum: most - 1 })),
  /** True: it is deleted with the instance. Absent: it stays. */
  deleteOnTermination: Type.Optional(Type.Boolean()),
});
export type AskedVolume = Static<typeof AskedVolume>;

/** In the order of their places in the guest, but that the root disk comes first. */
export const AskedVolumes = Type.Array(AskedVolume, { maxItems: most });
