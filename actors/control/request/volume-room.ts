/**
 * Whether a storage of volumes takes more, as the hosts that see it say: claims count what volumes may
 * become, and the storage may be full of other things. It judges what is new alone; what is there goes on.
 * Pure.
 */
import { isSilent, newDiskFloorMib } from "../../../protocol/space.ts";
import { takesMore, type VolumeStorageState } from "../../../protocol/volume-storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { mebibytes } from "../../../protocol/wire/wording.ts";

/** Where a volume is, or is to be: on a storage that hosts share, or on a host's own. */
export interface VolumePlace {
  readonly storageId: string | null;
  readonly hostId?: string | null;
}

export interface Looking {
  /** How a storage is; undefined: no host that is heard has told it, and the claims alone decide. */
  readonly directory?: { volumeStorage(place: VolumePlace): VolumeStorageState | undefined };
}

/** Undefined: it takes more, as far as is known. */
export function noMoreThere(state: VolumeStorageState | undefined): string | undefined {
  if (state === undefined || takesMore(state)) return undefined;
  const { storageId, totalMib = 0, freeMib = 0, silentMs = 0 } = state;
  const name = storageId === null ? "The storage of volumes of the host" : `The storage ${storageId}`;
  if (isSilent(state)) return `${name} has not answered for ${Math.round(silentMs / 1_000)} s.`;
  const floor = mebibytes(newDiskFloorMib({ totalMib }));
  return `${name} has ${mebibytes(freeMib)} free, and ${floor} are kept for the volumes that are there.`;
}

/** @throws storageFull */
export function assertTakesMore({ directory }: Looking, place: VolumePlace): void {
  const why = noMoreThere(directory?.volumeStorage(place));
  if (why !== undefined) throw new StatusError("storageFull", why);
}
