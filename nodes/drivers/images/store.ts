/**
 * The image store of a controller: a directory in which every registered file is kept under its checksum, for
 * good. A file is copied first and judged afterwards, by its copy: what its owner changes in the meantime has
 * no effect. It reads only from the directories that the configuration lists: the caller of `image.register`
 * names a path, and must not be able to make the controller read any other file of its machine, nor to find
 * out whether one exists.
 */
import { constants } from "node:fs";
import {
  chmod,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  rm,
} from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import type { DiskFormat } from "../../../protocol/image.ts";
import { limits } from "../../../protocol/limits/limits.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { diskError, isTemporaryName, syncDirectory, temporaryName } from "../durable-file.ts";
import { copyVerified } from "./cache.ts";
import { inspectDisk } from "./inspect.ts";

export interface ImageSource {
  readonly path: string;
  readonly sha256?: string;
  readonly sizeBytes?: number;
  /** Absent: a kernel or ramdisk, whose content only a guest will ever interpret. */
  readonly format?: DiskFormat;
}

export interface RegisteredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly format?: DiskFormat;
  readonly virtualSizeBytes?: number;
}

export interface ImageStoreOptions {
  readonly directory: string;
  /** Files are taken from these directories and what is below them, and from nowhere else. */
  readonly sources: readonly string[];
}

export class ImageStore {
  readonly #options: ImageStoreOptions;
  #opened: Promise<void> | undefined;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * Takes a file into the store; doing it twice is harmless.
   * @throws INVALID_ARGUMENT unusableImage, checksumMismatch; RESOURCE_EXHAUSTED diskFull; AbortError
   */
  async registerFile(
    source: ImageSource,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<RegisteredFile> {
    await this.#open();
    const file = await openAllowed(source.path, this.#options.sources);
    try {
      await checkClaims(file, source);
      return await this.#take(file, source, signal);
    } catch (error) {
      throw diskError(error, "Taking a file into the image store");
    } finally {
      await file.close();
    }
  }

  async #take(file: FileHandle, source: ImageSource, signal: AbortSignal): Promise<RegisteredFile> {
    const temporary = temporaryName(join(this.#options.directory, "arriving"));
    try {
      const { size } = await file.stat();
      const copied = await copyVerified(file, temporary, { signal, bytesMax: size });
      checkSum(copied, source);
      const inspected = await inspectCopy(temporary, source.format, signal);
      await chmod(temporary, 0o444);
      await rename(temporary, join(this.#options.directory, copied.sha256));
      await syncDirectory(this.#options.directory);
      return { ...copied, ...inspected };
    } finally {
      await rm(temporary, { force: true });
    }
  }

  #open(): Promise<void> {
    this.#opened ??= openStore(this.#options.directory);
    return this.#opened;
  }
}

/**
 * Removes what a controller that died has left half copied, of a day ago at least: others may be at work
 * here.
 */
async function openStore(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (isTemporaryName(name) && (await isOld(path))) await rm(path, { force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    return (await file.stat()).mtimeMs < Date.now() - 86_400_000;
  } finally {
    await file.close();
  }
}

/** One answer for all of them, so that nobody learns what there is outside the allowed directories. */
const outside = () =>
  new StatusError(
    "unusableImage",
    "The image cannot be used: it is no ordinary, readable file in a directory that images may come from.",
  );

/**
 * Opens a file and then proves, by what was opened, where it is: a link that is swapped in between gains
 * nothing.
 * @throws INVALID_ARGUMENT unusableImage
 */
async function openAllowed(path: string, sources: readonly string[]): Promise<FileHandle> {
  const roots = await realRoots(sources);
  if (!isAbsolute(path) || normalize(path) !== path) throw outside();
  // O_NONBLOCK: opening a pipe must not wait for somebody to write into it.
  const file = await openOrRefuse(path);
  try {
    const real = await readlink(`/proc/self/fd/${file.fd}`);
    const allowed = roots.some((root) => real.startsWith(root.endsWith(sep) ? root : root + sep));
    if (allowed && (await file.stat()).isFile()) return file;
    throw outside();
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openOrRefuse(path: string): Promise<FileHandle> {
  try {
    const real = await realpath(path);
    return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    throw outside();
  }
}

async function realRoots(sources: readonly string[]): Promise<readonly string[]> {
  const roots = await Promise.all(sources.map((source) => realpath(source).catch(() => undefined)));
  return roots.filter((root) => root !== undefined);
}

/** What can be known before a byte is copied. */
async function checkClaims(file: FileHandle, source: ImageSource): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) throw new StatusError("unusableImage", "The image cannot be used: the file is empty.");
  if (size > limits.imageBytesMax) {
    throw new StatusError(
      "unusableImage",
      "The image cannot be used: the file is larger than any image may be.",
    );
  }
  if (source.sizeBytes !== undefined && source.sizeBytes !== size) {
    const message = `The file has ${size} bytes, not the ${source.sizeBytes} that were named.`;
    throw new StatusError("checksumMismatch", message);
  }
}

function checkSum(copied: { readonly sha256: string }, source: ImageSource): void {
  if (source.sha256 === undefined || source.sha256 === copied.sha256) return;
  throw new StatusError(
    "checksumMismatch",
    "The file has another SHA-256 checksum than the one that was named.",
  );
}

async function inspectCopy(path: string, format: DiskFormat | undefined, signal: AbortSignal) {
  if (format === undefined) return {};
  const file = await open(path, "r");
  try {
    const { virtualSizeBytes } = await inspectDisk(file, format, signal);
    return { format, virtualSizeBytes };
  } finally {
    await file.close();
  }
}
