/**
 * Storages of volumes, as hosts tell them: which they see, for the ledger, and how full each is, as of a
 * moment ago. Schemas, and what follows from them alone.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { HostWord, upTo } from "./offered.ts";
import { isSilent, newDiskFloorMib } from "./space.ts";
import { answer, Count, Id, nullable } from "./wire/schema.ts";

/** A storage beside that of the host's disks, which hosts with the same id share. */
export const OfferedVolumeStorage = answer({
  id: Id,
  /** The name of its driver. */
  kind: HostWord,
  /** How large it is; of several hosts the largest word counts. */
  sizeGib: upTo(fieldLimits.hostDiskGibMax),
});
export type OfferedVolumeStorage = Static<typeof OfferedVolumeStorage>;

/** How a storage of volumes is, as a host last heard it. */
export const VolumeStorageState = answer({
  /** Null: no other host sees it. */
  storageId: nullable(Id),
  kind: HostWord,
  /**
   * `rename`: who had a volume must be proved gone. `blocklist`: the storage itself keeps former owners out.
   */
  fencing: HostWord,
  /** Whether a guest that runs sees its volume grow; else a larger size comes with its next start. */
  extendsOnline: Type.Boolean(),
  /** Absent, as the three below: the storage does not know. */
  totalMib: Type.Optional(Count),
  freeMib: Type.Optional(Count),
  /** The sizes of its volumes. */
  promisedMib: Type.Optional(Count),
  /** What its volumes really take. */
  allocatedMib: Type.Optional(Count),
  /** For how long it has not answered: what is told here is of before. Absent: it answers. */
  silentMs: Type.Optional(Count),
});
export type VolumeStorageState = Static<typeof VolumeStorageState>;

/** Whether less is free than is kept for the volumes that are there. Unknown: no. */
export const isLow = ({ totalMib, freeMib }: Pick<VolumeStorageState, "totalMib" | "freeMib">): boolean =>
  totalMib !== undefined && freeMib !== undefined && freeMib < newDiskFloorMib({ totalMib });

/** Whether new volumes, and more room for those that are there, are placed on it. */
export const takesMore = (state: VolumeStorageState): boolean => !isLow(state) && !isSilent(state);
