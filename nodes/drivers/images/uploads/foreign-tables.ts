/**
 * Reads the tables of a disk that is to be converted, as far as they say where its data are: all of it must
 * be in the file. QEMU reads zeros behind a file's end, and a conversion would make a good image of a file
 * that was cut off on its way. VHDX is not read here: QEMU compares its table with the file's end itself.
 * What is read is bounded, whatever the file says. Sources: VMware's Virtual Disk Format 5.0; QEMU's
 * block/vdi.c.
 */
import { imageLimits } from "../limits.ts";
import type { ReadableFile } from "../qcow2-tables.ts";
import { unusable } from "../refusal.ts";

const sectorBytes = 512;
const cutOff = () => unusable("it is cut off: its tables name data behind its end");

async function readAll(file: ReadableFile, at: number, length: number): Promise<Buffer> {
  if (!Number.isSafeInteger(at) || at + length > file.sizeBytes) throw cutOff();
  const bytes = await file.read(at, length);
  if (bytes.length < length) throw cutOff();
  return bytes;
}

/** `head`: its first bytes, which checkForeignDisk has passed. @throws INVALID_ARGUMENT unusableImage */
export async function checkVdiTables(head: Buffer, file: ReadableFile): Promise<void> {
  const [mapAt, dataAt] = [head.readUInt32LE(340), head.readUInt32LE(344)];
  const [blockBytes, blocks] = [head.readUInt32LE(376), head.readUInt32LE(384)];
  if (blocks * 4 > imageLimits.qcow2TableBytesMax) throw tooManyTables();
  const pageEntries = 64 * 1024;
  for (let from = 0; from < blocks; from += pageEntries) {
    const count = Math.min(pageEntries, blocks - from);
    const last = highest(await readAll(file, mapAt + from * 4, count * 4), 0xffff_fffe);
    if (last !== undefined && dataAt + (last + 1) * blockBytes > file.sizeBytes) throw cutOff();
  }
}

const tooManyTables = () => unusable("it has more tables than any image needs");

/** The highest number of those below `end`; undefined: there is none. */
function highest(table: Buffer, end: number): number | undefined {
  let found: number | undefined;
  for (let at = 0; at < table.length; at += 4) {
    const entry = table.readUInt32LE(at);
    if (entry < end && (found === undefined || entry > found)) found = entry;
  }
  return found;
}

/** `head`: its first bytes, which checkForeignDisk has passed. @throws INVALID_ARGUMENT unusableImage */
export async function checkVmdkTables(head: Buffer, file: ReadableFile): Promise<void> {
  const { capacity, grain, entries, directoryAt, compressed } = headerOf(await footedHead(head, file));
  if (grain === 0 || entries === 0 || entries > 512) throw unusable("its header is contradictory");
  const tables = Math.ceil(capacity / (grain * entries));
  if (tables > imageLimits.qcow2TablesMax || tables * entries * 4 > imageLimits.qcow2TableBytesMax)
    throw tooManyTables();
  const directory = await readAll(file, directoryAt * sectorBytes, tables * 4);
  for (let table = 0; table < tables; table += 1) {
    const at = directory.readUInt32LE(table * 4);
    if (at === 0) continue;
    const last = highest(await readAll(file, at * sectorBytes, entries * 4), 2 ** 32) ?? 0;
    // 0: there is nothing; 1: zeros.
    if (last > 1) await readGrain(file, { last, grain, compressed });
  }
}

async function readGrain(
  file: ReadableFile,
  { last, grain, compressed }: { last: number; grain: number; compressed: boolean },
): Promise<void> {
  const at = last * sectorBytes;
  const bytes = compressed ? 12 + (await readAll(file, at, 12)).readUInt32LE(8) : grain * sectorBytes;
  if (at + bytes > file.sizeBytes) throw cutOff();
}

const directoryAtEnd = 0xffff_ffff_ffff_ffffn;
const endOfFooter = 2 * sectorBytes;

/** A stream's header says that the header with the tables is at the end. */
async function footedHead(head: Buffer, file: ReadableFile): Promise<Buffer> {
  if (head.readBigUInt64LE(56) !== directoryAtEnd) return head;
  const footer = await readAll(file, file.sizeBytes - endOfFooter, sectorBytes);
  const isFooter =
    footer.toString("latin1", 0, 4) === "KDMV" && footer.readBigUInt64LE(56) !== directoryAtEnd;
  if (!isFooter || footer.readBigUInt64LE(12) !== head.readBigUInt64LE(12))
    throw unusable("its footer is not there, or contradicts its header");
  return footer;
}

const compressedBit = 1 << 16;

function headerOf(head: Buffer) {
  return {
    compressed: (head.readUInt32LE(8) & compressedBit) !== 0,
    capacity: Number(head.readBigUInt64LE(12)),
    grain: Number(head.readBigUInt64LE(20)),
    entries: head.readUInt32LE(44),
    directoryAt: Number(head.readBigUInt64LE(56)),
  };
}
