/**
 * Inspects a disk image of unknown origin, before any guest or tool of ours opens it for good: first by our
 * own reading of its header, then by QEMU's, in a process with bounded time and memory and, where the
 * controller is root, without any rights. An image must not have another file behind it (a backing or data
 * file would be read with our rights), encryption, an unknown feature, damage, or another format than the
 * declared one.
 *
 * A file declared as raw that begins like another format is refused as well: booted as raw it would be
 * useless, so it is a mistake or a trap. The trap: a later tool that opens it without saying `raw` probes the
 * format, and follows the backing file it names. Source of the layout: QEMU's docs/interop/qcow2.txt.
 */
import type { FileHandle } from "node:fs/promises";
import type { DiskFormat } from "../../../protocol/image.ts";
import { fieldLimits } from "../../../protocol/limits/fields.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { runTool } from "../tool.ts";
import { imageLimits } from "./limits.ts";

const refuse = (why: string, detail?: string): StatusError =>
  new StatusError(
    "unusableImage",
    `The image cannot be used: ${why}.`,
    detail === undefined ? {} : { detail },
  );

/** The first bytes of other formats. A VDI has its magic at byte 64, all others at 0. */
const foreignMagics: readonly { readonly name: string; readonly at: number; readonly bytes: Buffer }[] = [
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
].map(([name, at, text]) => ({
  name: String(name),
  at: Number(at),
  bytes: Buffer.from(String(text), "latin1"),
}));

/**
 * The name of the format that a file's first bytes belong to; undefined: no known format, so the file may be
 * raw.
 */
export function probeMagic(head: Buffer): string | undefined {
  return foreignMagics.find(({ at, bytes }) => head.subarray(at, at + bytes.length).equals(bytes))?.name;
}

/**
 * The incompatible features that a qcow2 image may have, as bits. 3: compression type, 4: extended L2
 * entries.
 */
const allowedFeatures = (1n << 3n) | (1n << 4n);
const featureNames: Readonly<Record<string, string>> = {
  0: "it was not closed properly (qemu-img check -r all repairs that)",
  1: "it is marked as damaged",
  2: "it has an external data file",
};
const dataFileExtension = 0x44415441;
const headerBytes = 64 * 1024;

/**
 * Checks the header of a qcow2 image.
 * @returns the virtual size in bytes, as the header says
 * @throws INVALID_ARGUMENT unusableImage
 */
export function checkQcow2Header(head: Buffer): number {
  if (head.length < 72 || probeMagic(head) !== "qcow2") throw refuse("it is not a qcow2 file");
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw refuse(`its qcow2 version is ${version}, not 2 or 3`);
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0) throw refuse("it has a backing file");
  if (head.readUInt32BE(32) !== 0) throw refuse("it is encrypted");
  if (version === 3) checkVersion3(head);
  const size = head.readBigUInt64BE(24);
  if (size === 0n) throw refuse("its virtual size is 0");
  if (size > BigInt(fieldLimits.diskGibMax) * 1024n ** 3n)
    throw refuse("its virtual size is beyond every limit");
  return Number(size);
}

function checkVersion3(head: Buffer): void {
  if (head.length < 104) throw refuse("its header is cut off");
  const unknown = head.readBigUInt64BE(72) & ~allowedFeatures;
  for (let bit = 0n; bit < 64n; bit++) {
    if ((unknown >> bit) & 1n)
      throw refuse(featureNames[String(bit)] ?? `it needs the unknown feature ${bit}`);
  }
  for (let at = head.readUInt32BE(100); at + 8 <= head.length; ) {
    const type = head.readUInt32BE(at);
    if (type === 0) return;
    if (type === dataFileExtension) throw refuse("it has an external data file");
    at += 8 + Math.ceil(head.readUInt32BE(at + 4) / 8) * 8;
  }
}

export interface InspectedImage {
  readonly virtualSizeBytes: number;
}

/**
 * Verifies that an open file is a disk image of exactly this format and stands alone.
 * @throws INVALID_ARGUMENT unusableImage; AbortError
 */
export async function inspectDisk(
  file: FileHandle,
  format: DiskFormat,
  signal: AbortSignal,
): Promise<InspectedImage> {
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  const head = buffer.subarray(0, bytesRead);
  if (format === "raw") return { virtualSizeBytes: checkRaw(head, size) };
  const virtualSizeBytes = checkQcow2Header(head);
  const told = await askQemu(file, signal);
  if (told !== virtualSizeBytes) throw refuse("its header is contradictory");
  return { virtualSizeBytes };
}

/**
 * Checks a raw image; its virtual size is its length. The host never interprets anything in it, so no tool
 * inspects it.
 */
function checkRaw(head: Buffer, size: number): number {
  const foreign = probeMagic(head);
  if (foreign !== undefined) throw refuse(`it was said to be raw and is ${foreign}`);
  if (size === 0 || size % 512 !== 0) throw refuse("a raw disk's size is a multiple of 512 bytes");
  return size;
}

/** The virtual size in bytes according to qemu-img. */
async function askQemu(file: FileHandle, signal: AbortSignal): Promise<number> {
  const seconds = Math.ceil(imageLimits.imageInspectTimeoutMs / 1000);
  const bounded = [`--as=${imageLimits.imageInspectMemoryBytesMax}`, `--cpu=${seconds}`, "--core=0"];
  const question = ["qemu-img", "info", "--output=json", "-f", "qcow2", "/proc/self/fd/3"];
  const unprivileged =
    process.getuid?.() === 0
      ? ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
      : [];
  const argv = [...unprivileged, "--no-new-privs", "prlimit", ...bounded, ...question];
  const { exitCode, output, errors } = await runTool("setpriv", argv, {
    timeoutMs: imageLimits.imageInspectTimeoutMs,
    descriptor: file.fd,
    signal,
  });
  if (exitCode !== 0) throw refuse("QEMU cannot make sense of it", errors);
  return virtualSizeOf(output);
}

/**
 * The virtual size in qemu-img's answer. @throws INVALID_ARGUMENT unusableImage when the answer names another
 * file or format, or encryption
 */
export function virtualSizeOf(output: string): number {
  const facts = fieldsOf(parseJson(output));
  const details = fieldsOf(fieldsOf(facts.get("format-specific")).get("data"));
  const refused: readonly [unknown, string][] = [
    [facts.get("format") !== "qcow2", "QEMU takes it for another format"],
    [facts.has("backing-filename") || facts.has("full-backing-filename"), "it has a backing file"],
    [details.has("data-file"), "it has an external data file"],
    [facts.get("encrypted") === true || details.has("encrypt"), "it is encrypted"],
    [details.get("corrupt") === true || facts.get("dirty-flag") === true, "it is damaged"],
  ];
  for (const [applies, why] of refused) if (applies === true) throw refuse(why);
  const size = facts.get("virtual-size");
  if (typeof size === "number" && Number.isSafeInteger(size)) return size;
  throw refuse("QEMU cannot tell its size");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse("QEMU cannot make sense of it", String(error));
  }
}

const fieldsOf = (value: unknown): ReadonlyMap<string, unknown> =>
  new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
