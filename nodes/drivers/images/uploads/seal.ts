/**
 * Makes of an upload's part a file of the image store: checked against what was said, unpacked, converted,
 * inspected to its last cluster, held, and only then named by its checksum. Whatever is refused leaves the
 * part as it was, and nothing else. It must never give a name to a file that was not inspected.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Digests, SealedImage, SealRequest } from "../../../../actors/ports/image-uploads.ts";
import { filling } from "../../../../actors/runtime/filling.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { systemClock } from "../../../process/clock.ts";
import { usualHypervisor } from "../../built-in.ts";
import { syncDirectory, temporaryName } from "../../durable-file.ts";
import { inspectDisk, readable } from "../inspect.ts";
import { headerBytes } from "../qcow2-header.ts";
import { unusable } from "../refusal.ts";
import { holdFile } from "../removal.ts";
import { convert } from "./convert.ts";
import { checkDigests, digestsOf, namesDigest } from "./digests.ts";
import { checkForeignDisk, type ForeignFormat } from "./foreign-disk.ts";
import { checkVdiTables, checkVmdkTables } from "./foreign-tables.ts";
import { checkPacking, staysAsSent, unpackedBytesMax } from "./packing.ts";
import { unpack } from "./unpack.ts";

export interface Sealing {
  /** The image store. */
  readonly store: string;
  readonly part: string;
  readonly imageId: string;
  readonly request: SealRequest;
  readonly signal: AbortSignal;
  /** Bytes that may still be taken. @throws diskFull when what is made of uploads may take no more room */
  readonly needRoom: () => Promise<number>;
  /** Remembers the sealed file before the file gets its name. */
  readonly onMade: (sealed: SealedImage) => Promise<void>;
}

/** A file on the way; `digests`: those of its content, where they are known already. */
interface Stage {
  readonly path: string;
  readonly digests?: Digests;
}

/** @throws checksumMismatch, unusableImage, toolFailed, diskFull; the system's error; AbortError */
export async function sealPart(sealing: Sealing): Promise<SealedImage> {
  const made: string[] = [];
  const fresh = () => {
    const path = temporaryName(sealing.part);
    made.push(path);
    return path;
  };
  try {
    const sent = await checkSent(sealing);
    const plain = await unpacked({ path: sealing.part, ...sent }, fresh, sealing);
    const disk = await converted(plain, fresh, sealing);
    const sealed = await inspected(disk, sealing);
    await holdFile(sealing.store, sealed.sha256, sealing.imageId);
    await sealing.onMade(sealed);
    await rename(disk.path, join(sealing.store, sealed.sha256));
    await syncDirectory(sealing.store);
    return sealed;
  } finally {
    for (const path of made) await rm(path, { force: true });
  }
}

/** Size and checksums, which are those of the bytes that were sent. */
async function checkSent({ part, request, signal }: Sealing): Promise<{ digests?: Digests }> {
  return withFile(part, async (file) => {
    const { size: sizeBytes } = await file.stat();
    if (sizeBytes === 0) throw unusable("the file is empty");
    if (request.sizeBytes !== undefined && request.sizeBytes !== sizeBytes) {
      const message = `${sizeBytes} bytes have arrived, not the ${request.sizeBytes} that were named.`;
      throw new StatusError("checksumMismatch", message, { details: { nextOffset: sizeBytes } });
    }
    if (request.packing !== undefined) checkPacking(await headOf(file), request.packing);
    if (!staysAsSent(request) && !namesDigest(request)) return {};
    const digests = await digestsOf(file, { sizeBytes, signal });
    checkDigests(digests, request);
    return { digests };
  });
}

async function unpacked(from: Stage, fresh: () => string, sealing: Sealing): Promise<Stage> {
  const { signal, needRoom } = sealing;
  const { packing } = sealing.request;
  if (packing === undefined) return from;
  const path = fresh();
  const target = await open(path, "wx", 0o600);
  try {
    const bytesMax = unpackedBytesMax((await stat(from.path)).size);
    const { digests } = await unpack(from.path, { packing, target, bytesMax, needRoom, signal });
    return { path, digests };
  } finally {
    await target.close();
  }
}

async function converted(from: Stage, fresh: () => string, sealing: Sealing): Promise<Stage> {
  const { request, signal, needRoom: left } = sealing;
  const { format } = request;
  if (format === null || format === "raw" || format === "qcow2") return from;
  return withFile(from.path, async (source) => {
    await checkForeign(source, format);
    const path = fresh();
    const target = await open(path, "wx+", 0o600);
    try {
      await letTool(source, 0o444);
      await letTool(target, 0o666);
      await filling({ clock: systemClock, signal, left }, (until) =>
        convert({ source, target, format, signal: until }),
      );
      return { path };
    } finally {
      await letTool(source, 0o600);
      await target.close();
    }
  });
}

async function checkForeign(source: FileHandle, format: ForeignFormat): Promise<void> {
  const head = await headOf(source);
  checkForeignDisk(head, format);
  if (format === "vmdk") await checkVmdkTables(head, await readable(source));
  if (format === "vdi") await checkVdiTables(head, await readable(source));
}

/** The tool is nobody where we are root; nobody else can pass through the store's directory. */
const letTool = (file: FileHandle, mode: number): Promise<void> => file.chmod(mode);

async function inspected(disk: Stage, { request, signal }: Sealing): Promise<SealedImage> {
  const { format: said, bootedBy } = request;
  return withFile(disk.path, async (file) => {
    const { size: sizeBytes } = await file.stat();
    const format = said === null || said === "raw" ? said : "qcow2";
    const boots = bootedBy === null || bootedBy === usualHypervisor;
    await letTool(file, 0o444);
    const found = await inspectOr(format, () =>
      inspectDisk(file, { format: format ?? "raw", boots }, signal),
    ).finally(() => letTool(file, 0o600));
    const digests = disk.digests ?? (await digestsOf(file, { sizeBytes, signal }));
    await file.datasync();
    await letTool(file, 0o400);
    return { ...digests, sizeBytes, format, virtualSizeBytes: found?.virtualSizeBytes ?? null };
  });
}

/** Nobody reads a kernel or a ramdisk but a guest. */
async function inspectOr<Found>(format: unknown, look: () => Promise<Found>): Promise<Found | undefined> {
  return format === null ? undefined : look();
}

async function headOf(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  return buffer.subarray(0, bytesRead);
}

async function withFile<Answer>(path: string, work: (file: FileHandle) => Promise<Answer>): Promise<Answer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
