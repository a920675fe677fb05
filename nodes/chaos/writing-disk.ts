/**
 * The disk of the load's real guests: a boot sector that halts the CPU nearly always, and twice a second
 * writes to each volume that it had when it was started. The cheapest guest that writes; what it leaves on a
 * volume is a log of who wrote there (writer-log.ts). It gives no device back, as many a guest.
 */

const sectorBytes = 512;
const sectors = 2_048;

/**
 * The program, for the 16-bit mode in which a BIOS starts it; disks by its interrupt 13h (42h, 43h).
 * The first sector of a volume has the magic number and how many records there are; the records follow it.
 */
const program = [
  // cli; all segments 0, the stack below the program; sti
  "fa 31c0 8ed8 8ec0 8ed0 bc007c fb",
  // rdtsc: a number that no other start has, at 500h
  "0f31 66a30005",
  // again: from the second disk on. disk: beyond the last one (475h): rest
  "b281 88d0 2c80 3a067504 7349",
  // Reads the first sector to 1000h; of a disk that says no: next
  "6631db b442 e85400 723b",
  // The number of records, or 0 where the magic number is missing
  "66a10410 66813e00104e564354 7403 6631c0",
  // One more: its number, the magic number, and the number of this start
  "6640 6689c3 66a30410 66c70600104e564354 66a10005 66a30810",
  // Writes it as the record of that number, then as the first sector
  "b443 e82100 7208 6631db b443 e81700",
  // next: the next disk
  "fec2 ebad",
  // rest: halts for nine of the clock's ticks (46ch); again
  "668b1e6c04 6683c309 f4 663b1e6c04 77f8 eb98",
  // transfer: one sector, at 1000h, of the number in ebx
  "66c706000610000100 66c706040600100000 66891e0806 66c7060c0600000000 be0006 b000 60 cd13 61 c3",
].join(" ");

/** The signature at the end of the sector makes it bootable. Source: IBM PC BIOS boot sector convention. */
export function writingDisk(): Buffer {
  const disk = Buffer.alloc(sectors * sectorBytes);
  Buffer.from(program.replaceAll(" ", ""), "hex").copy(disk);
  disk.set([0x55, 0xaa], sectorBytes - 2);
  return disk;
}
