/**
 * The header of a qcow2 image of unknown origin. An image must stand alone: a backing or data file would be
 * read with our rights. Also refused: encryption, an unknown feature, damage, and what costs QEMU time and
 * memory whenever a guest starts. Pure. Source of the layout: QEMU's docs/interop/qcow2.txt.
 */
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { diskFormatOf } from "./foreign-format.ts";
import { imageLimits } from "./limits.ts";
import { unusable } from "./refusal.ts";

export interface Qcow2Header {
  readonly virtualSizeBytes: number;
  /** Of a cluster: 2 to this power. */
  readonly clusterBits: number;
  /** True: an entry of a second table has 16 bytes instead of 8, and tells the parts of a cluster. */
  readonly extendedEntries: boolean;
  readonly firstTable: { readonly at: bigint; readonly entries: number };
  readonly countTable: { readonly at: bigint; readonly clusters: number };
}

/** How many bytes of a file contain everything that is looked at here. */
export const headerBytes = 64 * 1024;

const [dirtyBit, corruptBit, dataFileBit, compressionBit, extendedBit] = [0n, 1n, 2n, 3n, 4n];
const allowedFeatures = (1n << compressionBit) | (1n << extendedBit);
const featureNames: ReadonlyMap<bigint, string> = new Map([
  [dirtyBit, "it was not closed properly (qemu-img check -r all repairs that)"],
  [corruptBit, "it is marked as damaged"],
  [dataFileBit, "it has an external data file"],
]);
const [clusterBitsMin, clusterBitsMax] = [9, 21];
const extensions = { end: 0, dataFile: 0x44415441, bitmaps: 0x23852875 } as const;
const [version2Bytes, version3Bytes] = [72, 104];

/**
 * Checks the header of a qcow2 image. `head`: the first `headerBytes` of the file, or all of a shorter one.
 * @throws INVALID_ARGUMENT unusableImage
 */
export function checkQcow2Header(head: Buffer): Qcow2Header {
  if (head.length < version2Bytes || diskFormatOf(head) !== "qcow2") throw unusable("it is not a qcow2 file");
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unusable(`its qcow2 version is ${version}, not 2 or 3`);
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0) throw unusable("it has a backing file");
  if (head.readUInt32BE(32) !== 0) throw unusable("it is encrypted");
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < clusterBitsMin || clusterBits > clusterBitsMax)
    throw unusable(`its clusters have 2^${clusterBits} bytes, and qcow2 knows 2^9 to 2^21`);
  checkSnapshots(head.readUInt32BE(60));
  const features = version === 3 ? checkVersion3(head, 2 ** clusterBits) : 0n;
  return {
    clusterBits,
    virtualSizeBytes: virtualSizeOf(head),
    extendedEntries: ((features >> extendedBit) & 1n) === 1n,
    firstTable: { at: head.readBigUInt64BE(40), entries: head.readUInt32BE(36) },
    countTable: { at: head.readBigUInt64BE(48), clusters: head.readUInt32BE(56) },
  };
}

function virtualSizeOf(head: Buffer): number {
  const size = head.readBigUInt64BE(24);
  if (size === 0n) throw unusable("its virtual size is 0");
  if (size > BigInt(fieldLimits.diskGibMax) * 1024n ** 3n)
    throw unusable("its virtual size is beyond every limit");
  return Number(size);
}

function checkSnapshots(count: number): void {
  const { qcow2SnapshotsMax } = imageLimits;
  if (count > qcow2SnapshotsMax)
    throw unusable(
      `it has ${count} internal snapshots, more than ${qcow2SnapshotsMax}; no guest sees them, ` +
        "and qemu-img convert -O qcow2 leaves them out",
    );
}

/** Answers the incompatible features. */
function checkVersion3(head: Buffer, clusterBytes: number): bigint {
  if (head.length < version3Bytes) throw unusable("its header is cut off");
  const features = head.readBigUInt64BE(72);
  const unknown = features & ~allowedFeatures;
  for (let bit = 0n; bit < 64n; bit++) {
    if ((unknown >> bit) & 1n) throw unusable(featureNames.get(bit) ?? `it needs the unknown feature ${bit}`);
  }
  const length = head.readUInt32BE(100);
  if (length < version3Bytes || length > clusterBytes) throw unusable("its header has an impossible length");
  checkExtensions(head, length, clusterBytes);
  return features;
}

/** Extensions of a header lie in the header's own cluster, up to an end mark or the cluster's end. */
function checkExtensions(head: Buffer, first: number, clusterBytes: number): void {
  for (let at = first; at < clusterBytes; ) {
    if (at + 8 > head.length) throw unusable("its header is longer than any may be");
    const type = head.readUInt32BE(at);
    if (type === extensions.end) return;
    if (type === extensions.dataFile) throw unusable("it has an external data file");
    if (type === extensions.bitmaps) throw unusable(bitmaps);
    at += 8 + Math.ceil(head.readUInt32BE(at + 4) / 8) * 8;
  }
}

const bitmaps =
  "it has the bitmaps of a backup program, which cost each guest; qemu-img convert -O qcow2 leaves them out";
