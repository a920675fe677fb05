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
});
export type Space = Static<typeof Space>;

/** Room on a file system, as a process sees it. */
export interface FileSystemSpace {
  /** What lies on it, in words that follow "the file system of the". */
  readonly of: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const bytesPerMib = 1024 * 1024;

/** Below so many free bytes a file system is full. */
export const fullBelow = ({ totalBytes }: Pick<FileSystemSpace, "totalBytes">): number =>
  Math.min(spaceLimits.fullBelowBytes, totalBytes * spaceLimits.fullBelowShare);

export function spaceOf(found: FileSystemSpace, wasFull: boolean): Space {
  const limit = fullBelow(found) * (wasFull ? spaceLimits.roomAgainShare : 1);
  return {
    of: found.of,
    freeMib: Math.floor(found.freeBytes / bytesPerMib),
    totalMib: Math.floor(found.totalBytes / bytesPerMib),
    full: found.freeBytes < limit,
  };
}

/** What is full, as a sentence without its full stop. */
export const fullSentence = ({ of, freeMib, totalMib }: Space): string =>
  `the file system of the ${of} is full (${freeMib} of ${totalMib} MiB are free)`;
