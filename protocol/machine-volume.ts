/**
 * The volumes of a guest, as a controller tells its host of them and as the host says what it has. Schemas
 * only: the bytes of volumes never pass here.
 */
import { type Static, Type } from "@sinclair/typebox";
import { diskFormats } from "./kinds.ts";
import { reportLimits } from "./limits/report.ts";
import { storageLimits } from "./limits/storage.ts";
import { answer, Count, Id, literals, nullable, Sha256 } from "./wire/schema.ts";

/** One volume, of the epoch of its present writer. */
export const VolumeRef = answer({ volumeId: Id, epoch: Count });
export type VolumeRef = Static<typeof VolumeRef>;

/** What a volume has in it from the beginning. */
const MachineVolumeSource = answer({
  kind: literals(["image"]),
  image: answer({
    id: Id,
    disk: answer({
      sha256: Sha256,
      sizeBytes: Count,
      format: literals(diskFormats),
      virtualSizeBytes: Count,
    }),
  }),
});

/** Everything that a host needs to make a volume, to open it and to give it to its guest. */
export const MachineVolume = answer({
  volumeId: Id,
  /** Rises whenever the volume gets another writer: whoever has a lower one opens it no more. */
  epoch: Count,
  /** Its place among those that the guest has room for, for as long as it is attached. */
  place: Type.Integer({ minimum: 0, maximum: storageLimits.volumesPerInstanceMax - 1 }),
  sizeBytes: Count,
  /** The shared storage that it is on. Null: the host's own directory. */
  storageId: nullable(Id),
  /** True: it was made, and is lost where it is missing. False: it is made where it is opened first. */
  made: Type.Boolean(),
  /** Null: it is empty at first. */
  source: nullable(MachineVolumeSource),
  /** The order in which disks are tried at a boot. Absent: it is not booted from. */
  bootIndex: Type.Optional(Count),
});
export type MachineVolume = Static<typeof MachineVolume>;

/**
 * `attached`: the guest has it. `open`: the guest has not, but its process may have the volume open. `dead`:
 * the process has it closed, and the guest has not given the device back: its place is not free.
 */
const seenVolumeStates = ["attached", "open", "dead"] as const;

/** What a host has of a volume. */
export const SeenVolume = answer({
  volumeId: Id,
  epoch: Type.Integer({ minimum: 0, maximum: reportLimits.observedCountMax }),
  state: literals(seenVolumeStates),
  /** The size of which the guest was told. Absent: not known. */
  sizeBytes: Type.Optional(Count),
});
export type SeenVolume = Static<typeof SeenVolume>;
