/**
 * Disks of every known hostile shape, for specs: disks with names of other files (a reader opens these as
 * well), with false sizes and formats, and disks cut off. `canary` is the file behind each name; no reader
 * may ever open the canary.
 */
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { SealRequest } from "../../actors/ports/image-uploads.ts";

export interface HostileDisk {
  readonly name: string;
  readonly path: string;
  readonly said: SealRequest;
}

const sector = 512;

/** A qcow2 header of version 3, with a name in it. Source of the layout: QEMU's docs/interop/qcow2.txt. */
function qcow2(given: { backing?: string; dataFile?: string; size?: bigint; firstEntries?: number }): Buffer {
  const file = Buffer.alloc(4 * 65_536);
  file.write("QFI\xfb", 0, "latin1");
  file.writeUInt32BE(3, 4);
  file.writeUInt32BE(16, 20);
  file.writeBigUInt64BE(given.size ?? 1024n ** 2n, 24);
  file.writeUInt32BE(given.firstEntries ?? 1, 36);
  file.writeBigUInt64BE(3n * 65_536n, 40);
  file.writeBigUInt64BE(65_536n, 48);
  file.writeUInt32BE(1, 56);
  file.writeUInt32BE(4, 96);
  file.writeUInt32BE(104, 100);
  file.writeBigUInt64BE(2n * 65_536n, 65_536);
  for (let cluster = 0; cluster < 4; cluster += 1) file.writeUInt16BE(1, 2 * 65_536 + 2 * cluster);
  if (given.backing !== undefined) {
    file.writeBigUInt64BE(512n, 8);
    file.writeUInt32BE(given.backing.length, 16);
    file.write(given.backing, 512);
  }
  if (given.dataFile !== undefined) {
    file.writeBigUInt64BE(4n, 72);
    file.writeUInt32BE(0x44415441, 104);
    file.writeUInt32BE(given.dataFile.length, 108);
    file.write(given.dataFile, 112);
  }
  return file;
}

const flatDescriptor = (canary: string, first = "# Disk DescriptorFile"): string =>
  `${first}\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\n\n` +
  `RW 2048 FLAT "${canary}" 0\n\nddb.adapterType = "ide"\n`;

const text = (content: string): Buffer => Buffer.concat([Buffer.from(content), Buffer.alloc(sector)]);

/** A VMDK's header of one file, with this descriptor in it. */
function vmdk(descriptor: string, { capacity = 2_048n, at = 1n, sectors = 20n } = {}): Buffer {
  const file = Buffer.alloc(65_536);
  file.write("KDMV");
  file.writeUInt32LE(1, 4);
  file.writeUInt32LE(3, 8);
  file.writeBigUInt64LE(capacity, 12);
  file.writeBigUInt64LE(128n, 20);
  file.writeBigUInt64LE(at, 28);
  file.writeBigUInt64LE(sectors, 36);
  file.writeUInt32LE(512, 44);
  file.writeBigUInt64LE(21n, 48);
  file.writeBigUInt64LE(26n, 56);
  file.writeBigUInt64LE(128n, 64);
  file.write(descriptor, Number(at) * sector);
  return file;
}

function sparseDescriptor(extents: string, more = "", type = "monolithicSparse"): string {
  const ids = "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=";
  return `${ids}${more === "" ? "ffffffff" : "1234abcd"}\ncreateType="${type}"\n${more}\n${extents}\n`;
}

/** The bit in a VHDX's file parameters by which it has a parent. Source: MS-VHDX, 2.6.2.1. */
function withParent(vhdx: Buffer): Buffer {
  const table = vhdx.indexOf("metadata", 0, "latin1");
  const entry = vhdx.indexOf(Buffer.from("3767a1ca36fa434db3b633f0aa44e76b", "hex"), table);
  const item = table + vhdx.readUInt32LE(entry + 16);
  vhdx.writeUInt32LE(vhdx.readUInt32LE(item + 4) | 2, item + 4);
  return vhdx;
}

export async function hostileDisks(directory: string, canary: string): Promise<readonly HostileDisk[]> {
  const made = async (format: string, ...options: string[]): Promise<Buffer> => {
    const path = join(directory, `made.${format}`);
    execFileSync("qemu-img", ["create", "-q", "-f", format, ...options, path, "4M"]);
    execFileSync("qemu-io", ["-f", format, "-c", "write -P 7 1M 1M", path]);
    return readFile(path);
  };
  const named: (readonly [string, Buffer, SealRequest])[] = [
    ["qcow2 with a backing file", qcow2({ backing: canary }), { format: "qcow2" }],
    [
      "qcow2 with a backing file in JSON",
      qcow2({ backing: `json:{"driver":"file","filename":"${canary}"}` }),
      { format: "qcow2" },
    ],
    ["qcow2 with a backing file by NBD", qcow2({ backing: "nbd://127.0.0.1:1/x" }), { format: "qcow2" }],
    ["qcow2 with a data file", qcow2({ dataFile: canary }), { format: "qcow2" }],
    ["qcow2 said to be raw", qcow2({ backing: canary }), { format: "raw" }],
    ["qcow2 said to be vmdk", qcow2({ backing: canary }), { format: "vmdk" }],
    ["VMDK descriptor", text(flatDescriptor(canary)), { format: "vmdk" }],
    ["VMDK descriptor said to be raw", text(flatDescriptor(canary)), { format: "raw" }],
    ["VMDK descriptor said to be qcow2", text(flatDescriptor(canary)), { format: "qcow2" }],
    ["VMDK descriptor behind a comment", text(flatDescriptor(canary, "# x")), { format: "vmdk" }],
    [
      "VMDK of no size, with a descriptor",
      vmdk(flatDescriptor(canary), { capacity: 0n }),
      { format: "vmdk" },
    ],
    ["VMDK with a flat extent", vmdk(flatDescriptor(canary)), { format: "vmdk" }],
    [
      "VMDK with a parent",
      vmdk(sparseDescriptor('RW 2048 SPARSE "x.vmdk"', `parentFileNameHint="${canary}"`)),
      { format: "vmdk" },
    ],
    [
      "VMDK with a parent where only QEMU looks",
      vmdk(`${sparseDescriptor('RW 2048 SPARSE "x.vmdk"')}\0\nparentFileNameHint="${canary}"\n`),
      { format: "vmdk" },
    ],
    [
      "VMDK of two extents",
      vmdk(sparseDescriptor(`RW 1024 SPARSE "x.vmdk"\nRW 1024 FLAT "${canary}" 0`)),
      { format: "vmdk" },
    ],
    [
      "VMDK of two files",
      vmdk(sparseDescriptor(`RW 2048 SPARSE "${canary}"`, "", "twoGbMaxExtentSparse")),
      { format: "vmdk" },
    ],
    ["VMDK with its descriptor elsewhere", vmdk(flatDescriptor(canary), { at: 40n }), { format: "vmdk" }],
    [
      "VMDK beyond every size",
      vmdk(sparseDescriptor('RW 2048 SPARSE "x.vmdk"'), { capacity: 1n << 60n }),
      { format: "vmdk" },
    ],
    ["old VMDK", Buffer.concat([Buffer.from("COWD"), Buffer.alloc(4_092)]), { format: "vmdk" }],
    ["qcow2 of 2^62 bytes", qcow2({ size: 1n << 62n }), { format: "qcow2" }],
    ["qcow2 with a first table without end", qcow2({ firstEntries: 2 ** 31 }), { format: "qcow2" }],
    ["VHDX with a parent", withParent(await made("vhdx")), { format: "vhdx" }],
    ["VDI of nothing but its magic", vdi(Buffer.alloc(4_096)), { format: "vdi" }],
    ["VDI beyond every size", vdi(await made("vdi"), 1n << 62n), { format: "vdi" }],
    ["VHD", Buffer.concat([Buffer.from("conectix"), Buffer.alloc(4_088)]), { format: "vhdx" }],
  ];
  const cut = await Promise.all(
    (["qcow2", "vmdk", "vhdx", "vdi"] as const).map(async (format) => {
      const whole = await made(format);
      const part = whole.subarray(0, Math.trunc((whole.length * 5) / 8 / sector) * sector);
      return [`${format} that is cut off`, part, { format }] as const;
    }),
  );
  const packed = named
    .filter(([, , { format }]) => format === "vmdk" || format === "raw")
    .map(
      ([name, bytes, said]) => [`${name}, packed`, gzipSync(bytes), { ...said, packing: "gzip" }] as const,
    );
  const all = [...named, ...cut, ...packed];
  return Promise.all(
    all.map(async ([name, bytes, said], index) => {
      const path = join(directory, `hostile-${index}`);
      await writeFile(path, bytes);
      return { name, path, said };
    }),
  );
}

/** Source of the layout: QEMU's block/vdi.c. */
function vdi(file: Buffer, size?: bigint): Buffer {
  file.writeUInt32LE(0xbeda107f, 64);
  if (size !== undefined) file.writeBigUInt64LE(size, 368);
  return file;
}
