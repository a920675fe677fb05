/**
 * The tables of a qcow2 image of unknown origin, to the last cluster: everything that they name must be in
 * the file. Where it is not, QEMU reads zeros and says nothing: the file was cut off, and the guest would get
 * zeros in place of its data. Only the tables are read, and what that costs is bounded, however often they
 * name each other. Counts of references matter only to who writes; no guest writes to an image. Source of the
 * layout: QEMU's docs/interop/qcow2.txt.
 */
import { throwIfAborted } from "../waiting.ts";
import { imageLimits } from "./limits.ts";
import type { Qcow2Header } from "./qcow2-header.ts";
import { unusable } from "./refusal.ts";

export interface ReadableFile {
  readonly sizeBytes: number;
  /** Fewer bytes than asked for where the file ends. */
  read(at: number, length: number): Promise<Buffer>;
}

/** @throws INVALID_ARGUMENT unusableImage; AbortError */
export async function checkTables(
  header: Qcow2Header,
  file: ReadableFile,
  signal: AbortSignal,
): Promise<void> {
  const shape = shapeOf(header);
  await checkCounts(header, shape, file);
  const first = await firstTable(header, shape, file);
  let tables = 0;
  for (let index = 0; index < first.length / entryBytes; index += 1) {
    const at = offsetIn(first, index * entryBytes);
    if (at === 0) continue;
    throwIfAborted(signal);
    tables += 1;
    if (tables > imageLimits.qcow2TablesMax || tables * shape.clusterBytes > imageLimits.qcow2TableBytesMax)
      throw costly();
    if (at % shape.clusterBytes !== 0) throw crooked();
    const table = await wholePart(file, at, shape.clusterBytes);
    checkSecond(table, { shape, guestAt: index * shape.tableCoversBytes, sizeBytes: file.sizeBytes });
  }
}

const sectorBytes = 512;
/** Of the first table, and of the table of counts. */
const entryBytes = 8;
/** Parts of a cluster, where entries tell them. */
const partsOfCluster = 32;
const high = 2 ** 32;

const cutOff = (): Error =>
  unusable("its tables name data beyond the end of the file: it is cut off or damaged; copy it again");
const crooked = (): Error => unusable("its tables name places where no cluster begins: it is damaged");
const costly = (): Error =>
  unusable("its tables are larger than those of any image may be; qemu-img convert makes smaller ones");

interface Shape {
  readonly virtualSizeBytes: number;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  readonly extendedEntries: boolean;
  /** Of the guest's disk, by one second table. */
  readonly tableCoversBytes: number;
}

function shapeOf({ clusterBits, extendedEntries, virtualSizeBytes }: Qcow2Header): Shape {
  const clusterBytes = 2 ** clusterBits;
  const tableCoversBytes = (clusterBytes / (extendedEntries ? 2 * entryBytes : entryBytes)) * clusterBytes;
  return { virtualSizeBytes, clusterBits, clusterBytes, extendedEntries, tableCoversBytes };
}

/** The offset in an entry of any table: bits 9 to 55. */
const offsetIn = (table: Buffer, at: number): number =>
  (table.readUInt32BE(at) & 0x00ff_ffff) * high + ((table.readUInt32BE(at + 4) & 0xffff_fe00) >>> 0);

/** A part of the file that must be there whole. */
async function wholePart(file: ReadableFile, at: number, length: number): Promise<Buffer> {
  if (at + length > file.sizeBytes) throw cutOff();
  const part = await file.read(at, length);
  if (part.length < length) throw cutOff();
  return part;
}

/** The entries of the first table that the guest's disk needs. */
async function firstTable(
  { firstTable: { at, entries } }: Qcow2Header,
  { virtualSizeBytes, tableCoversBytes, clusterBytes }: Shape,
  file: ReadableFile,
): Promise<Buffer> {
  const needed = Math.ceil(virtualSizeBytes / tableCoversBytes);
  if (needed > entries) throw unusable("its first table is too small for its size");
  if (needed * entryBytes > imageLimits.qcow2FirstTableBytesMax) throw costly();
  return wholePart(file, placeOf(at, clusterBytes), needed * entryBytes);
}

/** The table of counts and the blocks that it names. */
async function checkCounts(
  { countTable: { at, clusters } }: Qcow2Header,
  { clusterBytes }: Shape,
  file: ReadableFile,
): Promise<void> {
  const bytes = clusters * clusterBytes;
  if (bytes > imageLimits.qcow2CountTableBytesMax) throw costly();
  const table = await wholePart(file, placeOf(at, clusterBytes), bytes);
  for (let entry = 0; entry < bytes; entry += entryBytes) {
    const block = offsetIn(table, entry);
    if (block % clusterBytes !== 0) throw crooked();
    if (block !== 0 && block + clusterBytes > file.sizeBytes) throw cutOff();
  }
}

/** Where a table begins, behind the header: in the header's own cluster is none. */
function placeOf(at: bigint, clusterBytes: number): number {
  if (at === 0n || at % BigInt(clusterBytes) !== 0n) throw crooked();
  // Rounded beyond 2^53, which is beyond the end of any file.
  return Number(at);
}

interface Part {
  readonly shape: Shape;
  /** Where the table begins on the guest's disk. */
  readonly guestAt: number;
  /** Of the file. */
  readonly sizeBytes: number;
}

/** Every cluster of one second table that is on the guest's disk. */
function checkSecond(table: Buffer, { shape, guestAt, sizeBytes }: Part): void {
  const { clusterBits, clusterBytes, extendedEntries, virtualSizeBytes } = shape;
  const step = extendedEntries ? 2 * entryBytes : entryBytes;
  const sizeInSectors = Math.ceil(sizeBytes / sectorBytes);
  let guestLeft = virtualSizeBytes - guestAt;
  for (let at = 0; at < table.length && guestLeft > 0; at += step, guestLeft -= clusterBytes) {
    const word = table.readUInt32BE(at);
    if ((word & 0x4000_0000) !== 0) {
      if (compressedEnd(word, table.readUInt32BE(at + 4), clusterBits) > sizeInSectors) throw cutOff();
      continue;
    }
    const offset = offsetIn(table, at);
    if (offset === 0) continue;
    const bytes = extendedEntries
      ? allocatedBytes(table, at, clusterBytes)
      : wholeOrZeros(table, at, clusterBytes);
    if (offset % clusterBytes !== 0) throw crooked();
    // A tool may have written no more of the last cluster than there is of the disk.
    if (bytes > 0 && offset + Math.min(bytes, guestLeft) > sizeBytes) throw cutOff();
  }
}

/** The sector before which the compressed data of an entry ends. */
function compressedEnd(highWord: number, lowWord: number, clusterBits: number): number {
  // The offset takes the lower bits; how many, depends on the cluster's size. Then come further sectors.
  const offsetHighBits = 38 - clusterBits;
  const bits = highWord & 0x3fff_ffff;
  const offset = (bits & (2 ** offsetHighBits - 1)) * high + lowWord;
  return Math.floor(offset / sectorBytes) + (bits >>> offsetHighBits) + 1;
}

/** What is read of a cluster that is marked as zeros: nothing. */
const wholeOrZeros = (table: Buffer, at: number, clusterBytes: number): number =>
  (table.readUInt32BE(at + 4) & 1) === 1 ? 0 : clusterBytes;

/** To the end of the last part of the cluster that is there. */
const allocatedBytes = (table: Buffer, at: number, clusterBytes: number): number =>
  (partsOfCluster - Math.clz32(table.readUInt32BE(at + 12))) * (clusterBytes / partsOfCluster);
