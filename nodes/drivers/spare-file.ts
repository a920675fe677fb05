/**
 * Room for small files on a full disk: a spare file beside them, whose blocks were written in advance. When
 * there is no room for a new file, its content is written into the spare, which then takes the name; the
 * file that had the name is the next spare. So what exists can always be replaced, once and again, and
 * needs no new block: deleting and stopping guests, which is what makes room, must not fail for want of
 * room.
 *
 * The replaced file is whole at every moment, as with writeDurably. It must never write into a file that
 * has another name as well. On a file system that writes blocks anew (btrfs, ZFS) the spare is no help.
 */
import { appendFile, type FileHandle, link, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { StatusError } from "../../protocol/wire/status.ts";
import { diskError, isDiskFull, isMissing, syncDirectory } from "./durable-file.ts";
import { driverLimits } from "./limits.ts";
import { Turns } from "./waiting.ts";

const { spareBytes } = driverLimits;

/** The text with so many spaces after it that all files are equally large: each may become the spare. */
export const padded = (text: string): string => text.padEnd(wholeSize(Buffer.byteLength(text)) - extra(text));

const wholeSize = (bytes: number): number => Math.ceil(bytes / spareBytes) * spareBytes;

/** By how many bytes the text is longer than its characters, which padEnd counts. */
const extra = (text: string): number => Buffer.byteLength(text) - text.length;

export class SpareFile {
  readonly #path: string;
  /** The file that was replaced, until it is the spare. */
  readonly #aside: string;
  readonly #turns = new Turns();
  #ready = false;

  constructor(directory: string) {
    this.#path = join(directory, ".spare");
    this.#aside = join(directory, ".spare.old");
  }

  /** Makes the spare, if there is none and there is room; completes what a crash has left half done. */
  async prepare(): Promise<void> {
    if (!this.#ready) await this.#turns.run("spare", () => this.#prepare());
  }

  /** Replaces an existing file durably. @throws RESOURCE_EXHAUSTED diskFull, when the spare is too small */
  replace(path: string, text: string): Promise<void> {
    return this.#turns.run("spare", () => this.#replace(path, text));
  }

  /**
   * Appends spaces to files of a version before, which are smaller than a spare has to be. Where there is no
   * room for that, the files stay small.
   */
  async pad(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const missing = spareBytes - (await sizeOf(path));
      if (missing <= 0) continue;
      try {
        await appendFile(path, " ".repeat(missing), { flush: true });
      } catch (error) {
        if (!isDiskFull(diskError(error, "Padding a file of the host's state"))) throw error;
      }
    }
  }

  async #prepare(): Promise<void> {
    if (!(await isAlone(this.#path))) await this.#adopt();
    this.#ready = (await sizeOf(this.#path)) >= spareBytes || (await this.#make());
  }

  /** The file that was replaced when a process died is the spare, unless it still has its own name. */
  async #adopt(): Promise<void> {
    await rm(this.#path, { force: true });
    if (await isAlone(this.#aside)) await rename(this.#aside, this.#path);
    else await rm(this.#aside, { force: true });
  }

  async #make(): Promise<boolean> {
    let file: FileHandle | undefined;
    try {
      file = await open(this.#path, "w", 0o600);
      await file.writeFile(Buffer.alloc(spareBytes, " "));
      await file.sync();
      return true;
    } catch {
      // No room for it now: the next write tries again.
      return false;
    } finally {
      await file?.close();
    }
  }

  async #replace(path: string, text: string): Promise<void> {
    const room = (await isAlone(this.#path)) ? await sizeOf(this.#path) : 0;
    if (Buffer.byteLength(text) > room) throw full();
    try {
      await overwrite(this.#path, text.padEnd(room - extra(text)));
      await rm(this.#aside, { force: true });
      await link(path, this.#aside);
      await rename(this.#path, path);
      await rename(this.#aside, this.#path);
      await syncDirectory(dirname(path));
      // What a version before has written is smaller than a spare has to be.
      this.#ready = (await sizeOf(this.#path)) >= spareBytes;
    } catch (error) {
      this.#ready = false;
      throw diskError(error, "Writing a file of the host's state");
    }
  }
}

/** Writes over the blocks that the file has, and syncs them. */
async function overwrite(path: string, text: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Whether the file is there under this name alone. */
async function isAlone(path: string): Promise<boolean> {
  return (await found(path))?.nlink === 1;
}

const sizeOf = async (path: string): Promise<number> => (await found(path))?.size ?? 0;

async function found(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

const full = (): StatusError =>
  new StatusError("diskFull", "Writing a file of the host's state failed: no space is left on the host.");
