/**
 * The image cache of a host: each image is copied from the image store once, verified by size and checksum
 * while it is copied, and only then gets its name. One copy at a time per image, however many guests wait for
 * it. A copy may be read by the agent, and by the group of that image, to which only the guests that use it
 * belong.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, chown, type FileHandle, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFile } from "../../../protocol/image.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { diskError, isMissing, syncDirectory, temporaryName } from "../durable-file.ts";
import { cachedImage, type StateDirectories } from "../guest-directory.ts";
import { imageGroup } from "../guest-user.ts";
import { orAborted, throwIfAborted } from "../waiting.ts";
import type { CacheRoom } from "./cache-room.ts";

/** An image that a guest needs. */
export interface NeededImage extends ImageFile {
  /** The instance that is made of it, by which controllers judge. Absent: it comes from no controller. */
  readonly instanceId?: string;
}

/**
 * Brings an image from elsewhere into a part file, which may be there with its first bytes: complete,
 * verified and synced. @throws imageMissing: the part stays, for the next time
 */
export type BringImage = (image: NeededImage, part: string, signal: AbortSignal) => Promise<void>;

/**
 * Where images come from: the directory of the image store, what brings them from elsewhere, or both, where
 * what the directory has not, or does not show, is brought.
 */
export type ImageSource =
  | string
  | BringImage
  | { readonly store: string | undefined; readonly bring: BringImage };

/** `leftoverMsMin`: partial copies older than this were given up; younger ones may be another host's work. */
interface CacheOptions {
  readonly leftoverMsMin: number;
  /** Only for a cache of this host's own. Absent: it has no bound. */
  readonly room?: CacheRoom;
}

export class ImageCache {
  readonly #directories: Pick<StateDirectories, "images">;
  readonly #store: string | undefined;
  readonly #bring: BringImage | undefined;
  readonly #options: CacheOptions;
  readonly #copies = new Map<string, Copy>();

  /**
   * `options`: for a cache that other hosts copy into as well, or that has a bound; absent: only this process
   * does, without one.
   */
  constructor(
    directories: Pick<StateDirectories, "images">,
    source: ImageSource,
    options: CacheOptions = { leftoverMsMin: 0 },
  ) {
    this.#directories = directories;
    if (typeof source === "string") this.#store = source;
    else if (typeof source === "function") this.#bring = source;
    else ({ store: this.#store, bring: this.#bring } = source);
    this.#options = options;
  }

  /**
   * The path of the image on this host, once it is there and verified.
   * @throws imageMissing, checksumMismatch, diskFull; AbortError (other callers that wait for the same copy
   * go on)
   */
  async ensure(image: NeededImage, signal: AbortSignal): Promise<string> {
    const path = cachedImage(this.#directories, image.sha256);
    if (await hasSize(path, image.sizeBytes)) {
      await letReadOnly(path, image.sha256);
      await this.#options.room?.used(path);
      return path;
    }
    throwIfAborted(signal);
    const running = this.#copies.get(image.sha256);
    if (running?.abandoned === true) {
      await running.settled;
      return this.ensure(image, signal);
    }
    await (running ?? this.#begin(image, path)).join(signal);
    return path;
  }

  #begin(image: NeededImage, path: string): Copy {
    const work = (signal: AbortSignal) => this.#fetch(image, path, signal);
    const { room } = this.#options;
    const copy = new Copy(async (signal) =>
      room === undefined ? work(signal) : room.within(await this.#taking(image), () => work(signal)),
    );
    this.#copies.set(image.sha256, copy);
    void copy.settled.then(() => this.#copies.delete(image.sha256));
    return copy;
  }

  /** Holes take no room: an image that the host sees takes what it takes in the store. */
  async #taking(image: ImageFile): Promise<ImageFile> {
    const store = this.#store;
    if (store === undefined) return image;
    const found = await stat(join(store, image.sha256)).catch(() => undefined);
    return found === undefined ? image : { ...image, sizeBytes: found.blocks * blockBytes };
  }

  async #fetch(image: NeededImage, path: string, signal: AbortSignal): Promise<void> {
    await this.#removeLeftovers(image.sha256);
    const [store, bring] = [this.#store, this.#bring];
    try {
      const source = store === undefined ? undefined : await openSource(join(store, image.sha256), bring);
      if (source !== undefined) await this.#copy(image, path, { source, signal });
      else if (bring !== undefined) await this.#take(image, path, { bring, signal });
    } catch (error) {
      throw diskError(error, "Copying an image to the host");
    }
  }

  async #copy(
    image: ImageFile,
    path: string,
    { source, signal }: { readonly source: FileHandle; readonly signal: AbortSignal },
  ): Promise<void> {
    const temporary = temporaryName(path);
    try {
      const written = await copyVerified(source, temporary, { signal, bytesMax: image.sizeBytes });
      if (written.sizeBytes !== image.sizeBytes || written.sha256 !== image.sha256) throw damaged();
      await this.#name(temporary, path, image);
    } finally {
      await rm(temporary, { force: true });
      await source.close();
    }
  }

  /** Where only this host copies, a part stays for the next try. */
  async #take(
    image: NeededImage,
    path: string,
    { bring, signal }: { readonly bring: BringImage; readonly signal: AbortSignal },
  ): Promise<void> {
    const stays = this.#options.leftoverMsMin === 0;
    const part = stays ? `${path}${partEnding}` : temporaryName(path);
    try {
      await bring(image, part, signal);
      await this.#name(part, path, image);
    } finally {
      if (!stays) await rm(part, { force: true });
    }
  }

  async #name(copy: string, path: string, { sha256 }: ImageFile): Promise<void> {
    await letReadOnly(copy, sha256);
    await rename(copy, path);
    await syncDirectory(this.#directories.images);
  }

  /** Removes the partial copies of agents that died while they copied this image. */
  async #removeLeftovers(sha256: string): Promise<void> {
    for (const name of await readdir(this.#directories.images)) {
      if (!name.startsWith(`${sha256}.`) || kept.test(name)) continue;
      const path = join(this.#directories.images, name);
      if (await isOlder(path, this.#options.leftoverMsMin)) await rm(path, { force: true });
    }
  }
}

const partEnding = ".part";
/** The unit of `blocks`. Source: stat(2). */
const blockBytes = 512;
/** Parts, leases and what is set aside are no copies of dead agents, or have an end of their own. */
const kept = /\.(?:part|lease|aside)$/;

/** A copy that several callers wait for; it is aborted when nobody waits any more. */
class Copy {
  readonly settled: Promise<void>;
  readonly #done: Promise<void>;
  readonly #abort = new AbortController();
  #waiting = 0;

  constructor(work: (signal: AbortSignal) => Promise<void>) {
    this.#done = work(this.#abort.signal);
    this.settled = this.#done.catch(() => undefined);
  }

  /** True when all callers have left: the copy is ending, and nobody may join it any more. */
  get abandoned(): boolean {
    return this.#abort.signal.aborted;
  }

  async join(signal: AbortSignal): Promise<void> {
    this.#waiting += 1;
    try {
      await orAborted(this.#done, signal);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#abort.abort();
    }
  }
}

async function hasSize(path: string, sizeBytes: number): Promise<boolean> {
  try {
    return (await stat(path)).size === sizeBytes;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * Lets only the image's group read its copy. Copies of agents before this one could be read by everybody.
 * Where guests have no users of their own, they read it as the agent's user, or as everybody.
 */
async function letReadOnly(path: string, sha256: string): Promise<void> {
  const group = imageGroup(sha256);
  const everybody = group === undefined && process.getuid?.() === 0;
  const mode = everybody ? 0o444 : 0o440;
  const { uid, gid, mode: found } = await stat(path);
  if (group !== undefined && gid !== group) await chown(path, uid, group);
  if ((found & 0o7777) !== mode && isOwn(uid)) await chmod(path, mode);
}

/** Only the owner of a file, and root, may change its mode. */
const isOwn = (uid: number): boolean => [0, uid].includes(process.getuid?.() ?? 0);

/** True when nobody has written to the file for `ageMs`; false when the file does not exist (any more). */
export async function isOlder(path: string, ageMs: number): Promise<boolean> {
  if (ageMs === 0) return true;
  try {
    return Date.now() - (await stat(path)).mtimeMs > ageMs;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Undefined: this host cannot read it, and it can be brought. @throws imageMissing */
async function openSource(path: string, bring: BringImage | undefined): Promise<FileHandle | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (bring !== undefined) return undefined;
    throw new StatusError("imageMissing", "The host cannot read the image in the image store.", {
      cause: error,
    });
  }
}

const damaged = () =>
  new StatusError("checksumMismatch", "The image in the image store is not the one that was registered.");

const chunkBytes = 1024 * 1024;

/**
 * Copies the handle's content into a new file, synced and read-only; blocks of zeros become holes.
 * @throws AbortError; Error when there are more than `bytesMax` bytes
 */
export async function copyVerified(
  source: FileHandle,
  target: string,
  options: { readonly signal: AbortSignal; readonly bytesMax: number },
): Promise<{ readonly sha256: string; readonly sizeBytes: number }> {
  const hash = createHash("sha256");
  const file = await open(target, "wx", 0o400);
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let sizeBytes = 0;
    for (;;) {
      throwIfAborted(options.signal);
      const { bytesRead } = await source.read(chunk, 0, chunkBytes, sizeBytes);
      if (bytesRead === 0) break;
      if (sizeBytes + bytesRead > options.bytesMax) throw damaged();
      const bytes = chunk.subarray(0, bytesRead);
      hash.update(bytes);
      if (!isZero(bytes)) await writeAll(file, bytes, sizeBytes);
      sizeBytes += bytesRead;
    }
    await file.truncate(sizeBytes);
    await file.datasync();
    return { sha256: hash.digest("hex"), sizeBytes };
  } finally {
    await file.close();
  }
}

const zeros = Buffer.alloc(chunkBytes);
const isZero = (bytes: Buffer): boolean => bytes.equals(zeros.subarray(0, bytes.length));

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
