/**
 * The image store of a controller: a directory in which every registered file is kept under its checksum,
 * until no image has it (removal.ts). A file is copied first, and its copy is checked: changes by the file's
 * owner in the meantime have no effect. The store reads only from the directories that the configuration
 * lists: the caller of `image.register` names a path, and must not be able to make the controller read any
 * other file of its computer, nor to find out whether one exists. Only the user that runs the cluster can
 * read the store: guests read copies (cache.ts).
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
  stat,
} from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";
import type { DiskFormat } from "../../../protocol/image.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { diskError, isTemporaryName, syncDirectory, temporaryName } from "../durable-file.ts";
import { copyVerified, isOlder } from "./cache.ts";
import { inspectDisk } from "./inspect.ts";
import { imageLimits } from "./limits.ts";
import { holdFile } from "./removal.ts";

export interface ImageSource {
  readonly path: string;
  readonly sha256?: string;
  readonly sizeBytes?: number;
  /** Absent: a kernel or ramdisk, whose content only a guest will ever interpret. */
  readonly format?: DiskFormat;
  /**
   * Id of the image that the file is held for. Absent: no hold is needed, because nothing is removed from
   * this store.
   */
  readonly heldFor?: string;
}

export interface RegisteredFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly format?: DiskFormat;
  readonly virtualSizeBytes?: number;
}

export interface ImageStoreOptions {
  readonly directory: string;
  /** Directories from which, with everything below them, files may be taken. */
  readonly sources: readonly string[];
}

export class ImageStore {
  readonly #options: ImageStoreOptions;

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  /**
   * Takes a file into the store. Idempotent.
   * @throws INVALID_ARGUMENT unusableImage, checksumMismatch; RESOURCE_EXHAUSTED diskFull; AbortError
   */
  async registerFile(
    source: ImageSource,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<RegisteredFile> {
    await this.open();
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
      // Examined as a user without rights, by a descriptor: nobody else can pass through the directory.
      await chmod(temporary, 0o444);
      const inspected = await inspectCopy(temporary, source.format, signal);
      await chmod(temporary, 0o400);
      if (source.heldFor !== undefined)
        await holdFile(this.#options.directory, copied.sha256, source.heldFor);
      await rename(temporary, join(this.#options.directory, copied.sha256));
      await syncDirectory(this.#options.directory);
      return { ...copied, ...inspected };
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Makes the directory when it is missing; answers its path. */
  async open(): Promise<string> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // Stores of versions before this one were open to every user of the computer.
    if (((await stat(directory)).mode & 0o077) !== 0) await chmod(directory, 0o700);
    return directory;
  }

  /** Removes partial copies of dead controllers, told by their age: other controllers may be at work here. */
  async removeHalfCopies(): Promise<void> {
    const directory = await this.open();
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (isTemporaryName(name) && (await isOlder(path, storageLimits.imageHoldMs)))
        await rm(path, { force: true });
    }
  }
}

/**
 * One error for all paths outside, so that nobody learns which files exist outside the allowed directories.
 */
const outside = () =>
  new StatusError(
    "unusableImage",
    "The image cannot be used: it is no ordinary, readable file in a directory that images may come from.",
  );

/**
 * Opens a file and then proves from the open file where it is: a link that is swapped in between gains
 * nothing.
 * @throws INVALID_ARGUMENT unusableImage
 */
async function openAllowed(path: string, sources: readonly string[]): Promise<FileHandle> {
  const roots = await realRoots(sources);
  if (!isAbsolute(path) || normalize(path) !== path) throw outside();
  // O_NONBLOCK: opening a pipe must not wait for a writer.
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

/** Checks what the caller declared, as far as it can be checked before a byte is copied. */
async function checkClaims(file: FileHandle, source: ImageSource): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) throw new StatusError("unusableImage", "The image cannot be used: the file is empty.");
  if (size > imageLimits.imageBytesMax) {
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
