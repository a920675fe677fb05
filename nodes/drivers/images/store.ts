/**
 * The image store of a controller: a directory in which every registered file is kept under its checksum,
 * until no image has it (removal.ts). A file is copied first, and its copy is checked: changes by the file's
 * owner in the meantime have no effect. The store reads only from the directories that the configuration
 * lists: the caller of `image.register` names a path, and must not be able to make the controller read any
 * other file of its computer, nor to find out whether one exists. Only the user that runs the cluster can
 * read the store: guests read copies (cache.ts).
 */
import { chmod, type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DiskFormat } from "../../../protocol/image.ts";
import { storageLimits } from "../../../protocol/limits/storage.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { usualHypervisor } from "../built-in.ts";
import { diskError, isTemporaryName, syncDirectory, temporaryName } from "../durable-file.ts";
import { openAllowed } from "./allowed-file.ts";
import { copyVerified, isOlder } from "./cache.ts";
import { inspectDisk } from "./inspect.ts";
import { imageLimits } from "./limits.ts";
import { unusable } from "./refusal.ts";
import { holdFile } from "./removal.ts";

export interface ImageSource {
  readonly path: string;
  readonly sha256?: string;
  readonly sizeBytes?: number;
  /** Absent: a kernel or ramdisk, whose content only a guest will ever interpret. */
  readonly format?: DiskFormat;
  /** As in DiskSource. */
  readonly bootedBy?: string | null;
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
      const inspected = await inspectCopy(temporary, source, signal);
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

/** Checks what the caller declared, as far as it can be checked before a byte is copied. */
async function checkClaims(file: FileHandle, source: ImageSource): Promise<void> {
  const { size, nlink } = await file.stat();
  // Whoever may write to an allowed directory could name a file of another one there, which only we may read.
  if (nlink > 1)
    throw unusable("the file has several names, perhaps elsewhere (hard links); make a copy of it");
  if (size === 0) throw unusable("the file is empty");
  if (size > imageLimits.imageBytesMax) throw unusable("the file is larger than any image may be");
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

async function inspectCopy(path: string, { format, bootedBy }: ImageSource, signal: AbortSignal) {
  if (format === undefined) return {};
  const file = await open(path, "r");
  try {
    // Other hypervisors may run what this one's firmware does not boot.
    const boots = bootedBy === null || bootedBy === usualHypervisor;
    const { virtualSizeBytes } = await inspectDisk(file, { format, boots }, signal);
    return { format, virtualSizeBytes };
  } finally {
    await file.close();
  }
}
