/**
 * What controllers ask a host about volumes that no guest has: one of the hosts that see their storage is
 * asked, for all of them. Schemas only.
 */
import { type Static, Type } from "@sinclair/typebox";
import { storageLimits } from "./limits/storage.ts";
import { VolumeRef } from "./machine-volume.ts";
import { answer, Count, Id, nullable, request } from "./wire/schema.ts";
import { method } from "./wire/service.ts";

const storage = {
  /** The shared storage that they are on. Null: the host's own directory. */
  storageId: nullable(Id),
};
const entityless = { target: "collection", audience: "admin", mutates: true } as const;

/** The file of a volume on a storage, whole or in part. */
export const VolumeFile = answer({
  ...VolumeRef.properties,
  /** False: it is half made, or half removed. */
  whole: Type.Boolean(),
});
export type VolumeFile = Static<typeof VolumeFile>;

export const hostVolumeMethods = {
  listVolumes: method({
    request: request({
      ...storage,
      /** The last volume id of the previous page. */
      marker: Type.Optional(Id),
    }),
    answer: answer({
      volumes: Type.Array(VolumeFile, { maxItems: storageLimits.volumeFilesPageMax }),
      nextMarker: Type.Optional(Id),
    }),
    target: "collection",
    audience: "admin",
    mutates: false,
    summary: "Lists what there is of volumes on a storage that the host sees, in order of volume ids.",
  }),
  removeVolumes: method({
    request: request({
      ...storage,
      volumes: Type.Array(VolumeRef, { maxItems: storageLimits.volumesRemovedMax }),
    }),
    answer: answer({
      /** Those that are gone. The host may have the others open for machines of its own. */
      removed: Type.Array(VolumeRef),
    }),
    ...entityless,
    summary: "Removes volumes that nobody owns: of each, that of this epoch and those before it.",
  }),
  copyVolume: method({
    request: request({
      ...storage,
      /** With the epoch that it has for the copy. */
      source: VolumeRef,
      copy: VolumeRef,
      sizeBytes: Count,
    }),
    answer: answer({
      /** False: it is under way. What has failed is said once, and begun anew when it is asked for again. */
      made: Type.Boolean(),
    }),
    ...entityless,
    summary: "Makes a volume as a copy of one that no guest has, both on one storage; asked again and again.",
  }),
  extendVolume: method({
    request: request({ ...storage, ...VolumeRef.properties, sizeBytes: Count }),
    answer: answer({}),
    ...entityless,
    summary: "Extends a volume that no guest has to this size; a volume that is larger stays as it is.",
  }),
} as const;
