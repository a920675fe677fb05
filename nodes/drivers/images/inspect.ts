/**
 * Inspects a disk image of unknown origin, before any guest or tool of ours opens it for good: first by our
 * own reading of its header and of all its tables, then by QEMU's, in a cage. An image must stand alone, be
 * whole, and be of the declared format.
 *
 * A file declared as raw that begins like another format is refused as well: booted as raw it would be
 * useless, so it is a mistake or a trap. The trap: a later tool that opens it without saying `raw` probes the
 * format, and follows the backing file it names.
 */
import type { FileHandle } from "node:fs/promises";
import type { DiskFormat } from "../../../protocol/image.ts";
import { runCaged } from "./cage.ts";
import { diskFormatOf, unbootable } from "./foreign-format.ts";
import { checkQcow2Header, headerBytes } from "./qcow2-header.ts";
import { checkTables, type ReadableFile } from "./qcow2-tables.ts";
import { unusable } from "./refusal.ts";
import { refusalOf } from "./tool-end.ts";

export interface InspectedImage {
  readonly virtualSizeBytes: number;
}

export interface Expected {
  readonly format: DiskFormat;
  /** True: a guest is to boot from it by its firmware. */
  readonly boots: boolean;
}

/**
 * Verifies that an open file is a disk image of exactly this format, stands alone and is whole.
 * @throws INVALID_ARGUMENT unusableImage; UNAVAILABLE toolFailed; AbortError
 */
export async function inspectDisk(
  handle: FileHandle,
  { format, boots }: Expected,
  signal: AbortSignal,
): Promise<InspectedImage> {
  const file = await readable(handle);
  const head = await file.read(0, headerBytes);
  const other = boots ? unbootable(head) : undefined;
  if (other !== undefined) throw unusable(other);
  if (format === "raw") return { virtualSizeBytes: checkRaw(head, file.sizeBytes) };
  const header = checkQcow2Header(head);
  await checkTables(header, file, signal);
  if ((await askQemu(handle, signal)) !== header.virtualSizeBytes)
    throw unusable("its header is contradictory");
  return { virtualSizeBytes: header.virtualSizeBytes };
}

/** An open file for readers of its tables. */
export async function readable(handle: FileHandle): Promise<ReadableFile> {
  const { size: sizeBytes } = await handle.stat();
  return {
    sizeBytes,
    async read(at, length) {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, at);
      return buffer.subarray(0, bytesRead);
    },
  };
}

/**
 * Checks a raw image; its virtual size is its length. The host never interprets anything in it, so no tool
 * inspects it.
 */
function checkRaw(head: Buffer, size: number): number {
  const foreign = diskFormatOf(head);
  if (foreign !== undefined) throw unusable(`it was said to be raw and is ${foreign}`);
  if (size === 0 || size % 512 !== 0) throw unusable("a raw disk's size is a multiple of 512 bytes");
  return size;
}

/** The virtual size in bytes according to qemu-img. */
async function askQemu({ fd: descriptor }: FileHandle, signal: AbortSignal): Promise<number> {
  const question = ["qemu-img", "info", "--output=json", "-f", "qcow2", "/proc/self/fd/3"];
  const end = await runCaged(question, { descriptor, signal });
  const words = { why: "QEMU cannot make sense of it", doing: "Inspecting an image" };
  if (end.exitCode !== 0) throw refusalOf(end, words);
  return virtualSizeOf(end.output);
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
  for (const [applies, why] of refused) if (applies === true) throw unusable(why);
  const size = facts.get("virtual-size");
  if (typeof size === "number" && Number.isSafeInteger(size)) return size;
  throw unusable("QEMU cannot tell its size");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unusable("QEMU cannot make sense of it", String(error));
  }
}

const fieldsOf = (value: unknown): ReadonlyMap<string, unknown> =>
  new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
