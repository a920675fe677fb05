/** Room on a file system, as hosts report it and operators read it. */
import { type Static, Type } from "@sinclair/typebox";
import { spaceLimits } from "./limits/space.ts";
import { answer, Count } from "./wire/schema.ts";

export const Space = answer({
  /** What lies on the file system: `state directory`, `shared directory`. */
  of: Type.String({ pattern: "^[A-Za-z][A-Za-z0-9 _-]{0,63}$" }),
  freeMib: Count,
  totalMib: Count,
  /** True: no new guest is made there. */
  full: Type.Boolean(),
  /**
   * True: the host makes new disks of guests there, so that it is the storage whose room is claimed. Absent:
   * none of its disks, or an agent of before.
   */
  disks: Type.Optional(Type.Boolean()),
  /** What the disks of the host's own guests really take there. Absent: not measured yet. */
  allocatedMib: Type.Optional(Count),
  /** What cached copies of images take there, whichever host made them. Absent: not measured yet. */
  imagesMib: Type.Optional(Count),
  /** For how long it has not answered: what is told here is of before. Absent: it answers. */
  silentMs: Type.Optional(Count),
});
export type Space = Static<typeof Space>;

/** Room on a file system, as a process sees it. */
export interface FileSystemSpace {
  /** What lies on it, in words that follow "the file system of the". */
  readonly of: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** New disks of guests are made there. Absent: none. */
  readonly disks?: boolean;
  /** Bytes of the disks of guests there. Absent: not measured. */
  readonly allocatedBytes?: number;
  /** Bytes of cached images there. Absent: not measured. */
  readonly imagesBytes?: number;
  /** For how long it has not answered. Absent: it answers. */
  readonly silentMs?: number;
}

const bytesPerMib = 1024 * 1024;

/** Below so many free bytes a file system is full. */
export const fullBelow = ({ totalBytes }: Pick<FileSystemSpace, "totalBytes">): number =>
  Math.min(spaceLimits.fullBelowBytes, totalBytes * spaceLimits.fullBelowShare);

/** Free bytes below which no new disk is placed; never less than where the file system is full. */
export function newDiskFloorBytes(found: Pick<FileSystemSpace, "totalBytes">): number {
  const { newDiskFloorBytes: most, newDiskFloorShare } = spaceLimits;
  return Math.max(fullBelow(found), Math.min(most, found.totalBytes * newDiskFloorShare));
}

export const newDiskFloorMib = ({ totalMib }: Pick<Space, "totalMib">): number =>
  Math.ceil(newDiskFloorBytes({ totalBytes: totalMib * bytesPerMib }) / bytesPerMib);

export function spaceOf(found: FileSystemSpace, wasFull: boolean): Space {
  const limit = fullBelow(found) * (wasFull ? spaceLimits.roomAgainShare : 1);
  return {
    of: found.of,
    freeMib: Math.floor(found.freeBytes / bytesPerMib),
    totalMib: Math.floor(found.totalBytes / bytesPerMib),
    full: found.freeBytes < limit,
    ...(found.disks === true ? { disks: true } : {}),
    ...inMib("allocatedMib", found.allocatedBytes),
    ...inMib("imagesMib", found.imagesBytes),
    ...(found.silentMs === undefined ? {} : { silentMs: found.silentMs }),
  };
}

const inMib = <N extends string>(name: N, bytes: number | undefined) =>
  (bytes === undefined ? {} : { [name]: Math.ceil(bytes / bytesPerMib) }) as { readonly [K in N]?: number };

/** Whether a file system has been silent for so long that no new disk is to be made there. */
export const isSilent = ({ silentMs = 0 }: Pick<Space, "silentMs">): boolean =>
  silentMs > spaceLimits.silentMsMax;

/** What is full, as a sentence without its full stop. */
export const fullSentence = ({ of, freeMib, totalMib }: Space): string =>
  `the file system of the ${of} is full (${freeMib} of ${totalMib} MiB are free)`;
