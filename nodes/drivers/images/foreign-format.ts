/**
 * What a file's first bytes say that it is, when it is no raw disk. Two kinds are refused under the name of a
 * raw disk: formats that a tool would take it for (the trap: one that opens the file without saying `raw`
 * follows the files that it names), and what no guest boots from (packed files, archives, CDs). Pure. It must
 * know every format that QEMU probes by content.
 */

interface Magic {
  readonly name: string;
  readonly at: number;
  readonly bytes: Buffer;
}

const magics = (all: readonly (readonly [name: string, at: number, text: string])[]): readonly Magic[] =>
  all.map(([name, at, text]) => ({ name, at, bytes: Buffer.from(text, "latin1") }));

/** Formats of disks. A VDI has its magic at byte 64, all others at 0. */
const diskMagics = magics([
  ["qcow2", 0, "QFI\xfb"],
  ["QED", 0, "QED\0"],
  ["VMDK", 0, "KDMV"],
  ["VMDK", 0, "COWD"],
  ["VMDK", 0, "# Disk DescriptorFile"],
  ["VHDX", 0, "vhdxfile"],
  ["VHD", 0, "conectix"],
  ["VDI", 64, "\x7f\x10\xda\xbe"],
  ["Parallels", 0, "WithoutFreeSpace"],
  ["Parallels", 0, "WithouFreSpacExt"],
  ["DMG", 0, "koly"],
  ["bochs", 0, "Bochs Virtual HD Image"],
  ["cloop", 0, "#!/bin/sh\n#V2.0 Format"],
  ["LUKS", 0, "LUKS\xba\xbe"],
]);

/**
 * Packed files and archives. Sources: RFC 1952 (gzip), RFC 8878 (zstd), the formats' own descriptions of xz,
 * bzip2, lz4, 7z and zip; POSIX pax (tar).
 */
const packedMagics = magics([
  ["compressed by gzip", 0, "\x1f\x8b\x08"],
  ["compressed by xz", 0, "\xfd7zXZ\0"],
  ["compressed by zstd", 0, "\x28\xb5\x2f\xfd"],
  ["compressed by bzip2", 0, "BZh"],
  ["compressed by lz4", 0, "\x04\x22\x4d\x18"],
  ["a 7z archive", 0, "7z\xbc\xaf\x27\x1c"],
  ["a zip archive", 0, "PK\x03\x04"],
  ["a tar archive, as an OVA is", 257, "ustar"],
]);

/** Volume descriptors of ISO 9660 begin at sector 16 of 2,048 bytes; ECMA-119, 8.1. */
const isoMagic = { at: 16 * 2_048 + 1, bytes: Buffer.from("CD001") };
const bootSignature = { at: 510, bytes: Buffer.from([0x55, 0xaa]) };

const has = (head: Buffer, { at, bytes }: Pick<Magic, "at" | "bytes">): boolean =>
  head.subarray(at, at + bytes.length).equals(bytes);

/**
 * The name of the disk format that a file's first bytes belong to; undefined: no known format, so the file
 * may be raw.
 */
export function diskFormatOf(head: Buffer): string | undefined {
  const found = diskMagics.find((magic) => has(head, magic))?.name;
  return found ?? (isVmdkDescriptor(head.toString("latin1")) ? "VMDK" : undefined);
}

/**
 * A VMDK's descriptor is a text. QEMU takes a file for one when `version=1`, 2 or 3 comes first after
 * comments and blank lines. Source: vmdk_probe in QEMU's block/vmdk.c.
 */
const isVmdkDescriptor = (text: string): boolean => /^(?:#[^\n]*\n| +\r?\n)*version=[123]\r?\n/.test(text);

/**
 * What the file is that no guest boots from, as the rest of a sentence; undefined: it may be a disk. A file
 * with a boot sector is one: a hybrid ISO boots from a disk as well.
 */
export function unbootable(head: Buffer): string | undefined {
  if (has(head, bootSignature)) return undefined;
  const packed = packedMagics.find((magic) => has(head, magic))?.name;
  if (packed !== undefined) return `it is ${packed}; unpack it, and register the disk that is in it`;
  if (has(head, isoMagic))
    return "it is an image of a CD without a boot sector, and as a disk no guest boots from it";
  return undefined;
}
