/**
 * What an upload's first bytes must be, by what was said of it. Pure. A packed file is never recognised
 * without a word: a raw disk may begin with anything. It must never let a tool decide what a file is.
 */
import type { Packing, SealRequest } from "../../../../actors/ports/image-uploads.ts";
import { imageLimits } from "../limits.ts";
import { unusable } from "../refusal.ts";

/** Sources: RFC 1952 (gzip), RFC 8878 (zstd), the description of xz. */
const beginnings: Readonly<Record<Packing, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b, 0x08]),
  xz: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};

/** @throws INVALID_ARGUMENT unusableImage */
export function checkPacking(head: Buffer, packing: Packing): void {
  const magic = beginnings[packing];
  if (!head.subarray(0, magic.length).equals(magic))
    throw unusable(`it was said to be packed by ${packing}, and is not`);
}

/** How many bytes may come out of so many. */
export const unpackedBytesMax = (sizeBytes: number): number =>
  Math.min(
    imageLimits.imageBytesMax,
    Math.max(imageLimits.unpackFreeBytes, sizeBytes * imageLimits.unpackRatioMax),
  );

/** True: the file is kept as it was sent. */
export const staysAsSent = ({ format, packing }: SealRequest): boolean =>
  packing === undefined && (format === null || format === "raw" || format === "qcow2");
