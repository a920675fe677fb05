/**
 * Assembles a bootable disk: a master boot record with syslinux's code, a FAT partition to boot from, and an
 * ext4 partition as root. Needs no loop device, no mount and no privileges.
 */
import { open, readFile } from "node:fs/promises";

const sectorBytes = 512;
const bootCodeBytes = 440;
/** Partitions begin at 1 MiB, as usual. */
const alignmentBytes = 1024 * 1024;

export interface DiskParts {
  readonly bootCode: string;
  readonly bootPartition: string;
  readonly rootPartition: string;
}

/** Writes the raw disk; its length is a multiple of 1 MiB if the lengths of the partitions are. */
export async function writeDisk(file: string, parts: DiskParts): Promise<void> {
  const [bootCode, boot, root] = await Promise.all([
    readFile(parts.bootCode),
    readFile(parts.bootPartition),
    readFile(parts.rootPartition),
  ]);
  const bootStart = alignmentBytes;
  const rootStart = bootStart + boot.length;
  const record = masterBootRecord(bootCode, [
    { type: 0x06, active: true, start: bootStart, length: boot.length },
    { type: 0x83, active: false, start: rootStart, length: root.length },
  ]);
  const disk = await open(file, "w");
  try {
    await disk.truncate(rootStart + root.length);
    await disk.write(record, 0, record.length, 0);
    await disk.write(boot, 0, boot.length, bootStart);
    await disk.write(root, 0, root.length, rootStart);
  } finally {
    await disk.close();
  }
}

interface Partition {
  readonly type: number;
  readonly active: boolean;
  readonly start: number;
  readonly length: number;
}

/** The first sector: boot code, signature of the disk, four entries of 16 bytes, the two magic bytes. */
export function masterBootRecord(bootCode: Buffer, partitions: readonly Partition[]): Buffer {
  const record = Buffer.alloc(sectorBytes);
  bootCode.copy(record, 0, 0, Math.min(bootCode.length, bootCodeBytes));
  record.write("novA", bootCodeBytes, "latin1");
  for (const [index, { type, active, start, length }] of partitions.entries()) {
    const at = 446 + index * 16;
    record.writeUInt8(active ? 0x80 : 0, at);
    // Cylinder and head numbers out of range: "use the sector numbers".
    for (const chs of [at + 1, at + 5]) record.set([0xfe, 0xff, 0xff], chs);
    record.writeUInt8(type, at + 4);
    record.writeUInt32LE(start / sectorBytes, at + 8);
    record.writeUInt32LE(length / sectorBytes, at + 12);
  }
  record.set([0x55, 0xaa], sectorBytes - 2);
  return record;
}
