/**
 * Converts a disk of another format to qcow2 by QEMU's tool, in the cage: it reads one descriptor, writes to
 * another, and is always told the format. Only disks that foreign-disk.ts has passed may come here.
 */
import type { FileHandle } from "node:fs/promises";
import { runCaged } from "../cage.ts";
import { imageLimits } from "../limits.ts";
import { refusalOf } from "../tool-end.ts";
import type { ForeignFormat } from "./foreign-disk.ts";
import { unpackedBytesMax } from "./packing.ts";

export interface Conversion {
  readonly source: FileHandle;
  /** Readable for everybody, as `source`, and writable: nobody's user opens it anew. */
  readonly target: FileHandle;
  readonly format: ForeignFormat;
  readonly signal: AbortSignal;
}

/** @throws INVALID_ARGUMENT unusableImage; RESOURCE_EXHAUSTED diskFull; UNAVAILABLE toolFailed; AbortError */
export async function convert({ source, target, format, signal }: Conversion): Promise<void> {
  const tool = ["qemu-img", "convert", "-f", format, "-O", "qcow2", "/proc/self/fd/3", "/proc/self/fd/4"];
  const { size } = await source.stat();
  const end = await runCaged(tool, {
    descriptor: source.fd,
    outputDescriptor: target.fd,
    signal,
    bounds: {
      timeoutMs: imageLimits.imageConvertTimeoutMs,
      memoryBytes: imageLimits.imageConvertMemoryBytesMax,
      fileBytes: unpackedBytesMax(size),
    },
  });
  const why = "QEMU cannot convert it to qcow2, or it is too large then";
  if (end.exitCode !== 0) throw refusalOf(end, { why, doing: "Converting an image" });
}
