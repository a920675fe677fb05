/**
 * Converts a disk of another format to qcow2 by QEMU's tool, in the cage: it reads one descriptor, writes to
 * another, and is always told the format. Only disks that foreign-disk.ts has passed may come here.
 */
import type { FileHandle } from "node:fs/promises";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { runCaged } from "../cage.ts";
import { imageLimits } from "../limits.ts";
import { unusable } from "../refusal.ts";
import type { ForeignFormat } from "./foreign-disk.ts";
import { unpackedBytesMax } from "./packing.ts";

export interface Conversion {
  readonly source: FileHandle;
  /** Readable for everybody, as `source`, and writable: nobody's user opens it anew. */
  readonly target: FileHandle;
  readonly format: ForeignFormat;
  readonly signal: AbortSignal;
}

/** @throws INVALID_ARGUMENT unusableImage; RESOURCE_EXHAUSTED diskFull; AbortError */
export async function convert({ source, target, format, signal }: Conversion): Promise<void> {
  const tool = ["qemu-img", "convert", "-f", format, "-O", "qcow2", "/proc/self/fd/3", "/proc/self/fd/4"];
  const { size } = await source.stat();
  const { exitCode, errors } = await runCaged(tool, {
    descriptor: source.fd,
    outputDescriptor: target.fd,
    signal,
    bounds: {
      timeoutMs: imageLimits.imageConvertTimeoutMs,
      memoryBytes: imageLimits.imageConvertMemoryBytesMax,
      fileBytes: unpackedBytesMax(size),
    },
  });
  if (exitCode === 0) return;
  if (/No space left on device|Disk quota exceeded/.test(errors))
    throw new StatusError("diskFull", "Converting an image failed: no space is left in the image store.");
  throw unusable("QEMU cannot convert it to qcow2, or it is too large then", errors);
}
