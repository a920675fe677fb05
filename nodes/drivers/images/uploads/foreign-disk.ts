/**
 * Checks the beginning of a disk in a format that is converted, before QEMU sees it. Pure. A disk that names
 * another file, by a descriptor, an extent or a parent, must never reach a tool: QEMU opens what it names.
 * Source of the layout: VMware's Virtual Disk Format 5.0, and block/vmdk.c for what QEMU makes of it.
 */
import { fieldLimits } from "../../../../protocol/limits/fields.ts";
import { diskFormatOf } from "../foreign-format.ts";
import { unusable } from "../refusal.ts";

export type ForeignFormat = "vmdk" | "vhdx" | "vdi";

/** `head`: the first 64 KiB of the file, or all of a shorter one. @throws INVALID_ARGUMENT unusableImage */
export function checkForeignDisk(head: Buffer, format: ForeignFormat): void {
  const found = diskFormatOf(head);
  if (found !== format.toUpperCase()) throw unusable(`it was said to be ${format}, and is ${found ?? "not"}`);
  if (format === "vmdk") checkVmdk(head);
  if (format === "vdi" && head.length < vdiHeaderBytes) throw unusable("its header is cut off");
}

const sectorBytes = 512;
const headerBytes = 79;
const vdiHeaderBytes = 512;
const descriptorSectorsMax = 127;
const createTypes: readonly string[] = ["monolithicSparse", "streamOptimized"];

function checkVmdk(head: Buffer): void {
  if (head.toString("latin1", 0, 4) !== "KDMV")
    throw unusable("it is a VMDK whose data are in other files, or a very old one");
  if (head.length < headerBytes) throw unusable("its header is cut off");
  const capacity = head.readBigUInt64LE(12);
  // With none, QEMU takes the descriptor inside for one that names other files, and opens these.
  if (capacity === 0n) throw unusable("it is a VMDK without a size");
  if (capacity * BigInt(sectorBytes) > BigInt(fieldLimits.diskGibMax) * 1024n ** 3n)
    throw unusable("its virtual size is beyond every limit");
  const [at, sectors] = [head.readBigUInt64LE(28), head.readBigUInt64LE(36)];
  if (at !== 1n || sectors < 1n || sectors > BigInt(descriptorSectorsMax))
    throw unusable("its descriptor is not where a VMDK of one file has it");
  checkDescriptor(head.subarray(sectorBytes, sectorBytes * (1 + Number(sectors))).toString("latin1"));
  // QEMU looks for a parent in sectors of its own choice, whatever the header says.
  if (/parentFileNameHint/i.test(head.toString("latin1"))) throw unusable("it is a VMDK with a parent");
}

function checkDescriptor(region: string): void {
  const [text = ""] = region.split("\0", 1);
  const [, type = ""] = /^createType="([^"\n]*)"\r?$/m.exec(text) ?? [];
  if (!createTypes.includes(type))
    throw unusable("it is a VMDK of another kind than monolithicSparse and streamOptimized");
  const extents = text.match(/^(?:RW|RDONLY|NOACCESS)\b.*$/gm) ?? [];
  const [extent = ""] = extents;
  if (extents.length !== 1 || !/^RW\s+\d+\s+SPARSE\s/.test(extent))
    throw unusable("it is a VMDK of several parts");
}
