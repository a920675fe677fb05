/**
 * Copies into the file of a new volume, by tools that are processes of their own and end with the agent: a
 * copy takes minutes, and one whose storage hangs holds nothing but itself. Blocks are shared where the file
 * system can, and what is zero takes up no room. Formats are named, and never probed.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { runCaged } from "../images/cage.ts";
import { runTool, type ToolResult } from "../tool.ts";
import { within } from "../waiting.ts";
import type { BegunVolume } from "./directory.ts";
import { volumeLimits } from "./limits.ts";
import { full, silent } from "./refusals.ts";

export interface CopyOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly sizeBytes: number;
}

/** @throws StatusError diskFull, hypervisorRefused, storageUnknown; AbortError */
export async function copyInto({ file, source }: BegunVolume, options: CopyOptions): Promise<void> {
  if (source === undefined) return;
  const { clock, signal } = options;
  const timeoutMs = copyMsMax(source, options.sizeBytes);
  const bounds = { signal, timeoutMs };
  const run = async (): Promise<ToolResult> => {
    const unpacked = { ...options, timeoutMs };
    const copy =
      source.format === "raw" ? copyRaw(source.path, file, bounds) : unpack(source, file, unpacked);
    const copied = await copy;
    return copied.exitCode === 0 ? sync(file, bounds) : copied;
  };
  // A tool that was killed may hang in the kernel.
  const { exitCode, errors } = await within(run(), { clock, timeoutMs, signal, late: silent });
  if (exitCode === 0) return;
  if (/No space left on device|Disk quota exceeded|File too large/.test(errors)) throw full();
  throw new StatusError("hypervisorRefused", "The volume's contents could not be copied.", {
    detail: errors,
  });
}

interface Bounds {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Nobody knows beforehand how much there is in a packed image. */
export function copyMsMax(
  { format, allocatedBytes }: Pick<NonNullable<BegunVolume["source"]>, "format" | "allocatedBytes">,
  sizeBytes: number,
): number {
  const { volumeUnpackedTimesMax } = volumeLimits;
  const bytes =
    format === "raw" ? allocatedBytes : Math.min(sizeBytes, allocatedBytes * volumeUnpackedTimesMax);
  return Math.max(volumeLimits.volumeCopyMsMin, Math.ceil(bytes / volumeLimits.volumeCopyBytesPerMsMin));
}

const copyRaw = (source: string, file: string, bounds: Bounds): Promise<ToolResult> =>
  runOnFiles(["cp", "--reflink=auto", "--sparse=always", "--", source, file], bounds);

/** A slow disk takes minutes for that: the storage's thread has nothing left to sync. */
const sync = (file: string, bounds: Bounds): Promise<ToolResult> => runOnFiles(["sync", "--", file], bounds);

const runOnFiles = (argv: readonly string[], bounds: Bounds): Promise<ToolResult> =>
  runTool("setpriv", ["--pdeathsig", "KILL", ...argv], bounds);

/** QEMU's own reading of an image, in its cage: there it may write to this one file. */
function unpack(
  { path, gid }: NonNullable<BegunVolume["source"]>,
  file: string,
  { signal, sizeBytes, timeoutMs }: CopyOptions & Bounds,
): Promise<ToolResult> {
  const argv = ["convert", "-n", "--target-is-zero", "-f", "qcow2", "-O", "raw", path, file];
  const { convertMemoryBytesMax: memoryBytes, convertFilesMax: files } = volumeLimits;
  return runCaged(["qemu-img", ...argv], {
    ...{ signal, bounds: { timeoutMs, memoryBytes, files, fileBytes: sizeBytes, group: gid } },
  });
}
