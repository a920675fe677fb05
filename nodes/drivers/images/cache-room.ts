/**
 * The room of a host's image cache: bounded in bytes, and by what has to stay free on its file system. Before
 * an image comes, others go (eviction.ts). It must never remove an image that a guest needs: each is set
 * aside first, and looked at once more before it is gone. Only for the cache of one host: what other hosts
 * need of a cache that they share, nobody here can know.
 */
import { randomBytes } from "node:crypto";
import { readdir, rename, rm, stat, statfs, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFile } from "../../../protocol/image.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { isMissing } from "../durable-file.ts";
import type { CachedImages } from "./cached-images.ts";
import { type CacheBounds, type CachedFile, chooseEvicted, missingBytes } from "./eviction.ts";
import type { ImageLeases } from "./leases.ts";

export interface CacheRoomOptions {
  readonly directory: string;
  readonly leases: ImageLeases;
  /** The images that guests of the host need (images-in-use.ts). */
  readonly inUse: () => Promise<ReadonlySet<string>>;
  /** The images that other hosts get from the cache. Absent: other hosts get none. */
  readonly given?: Pick<CachedImages, "sending" | "end">;
  /** Absent: only the free space counts. */
  readonly cacheBytesMax?: number;
  readonly freeBytesMin: number;
  /** Parts without a write for so long are removed. */
  readonly partKeptMs: number;
  readonly nowMs: () => number;
  /** Absent: of the directory's file system. */
  readonly freeBytes?: () => Promise<number>;
}

export interface CacheLook {
  readonly takenBytes: number;
  readonly freeBytes: number;
  /** Null: only the free space counts. */
  readonly cacheBytesMax: number | null;
  readonly freeBytesMin: number;
}

export class CacheRoom {
  readonly #options: CacheRoomOptions;
  /** Images on their way, by checksum. */
  readonly #coming = new Map<string, ImageFile>();
  /** Those for which room is still to be made. */
  readonly #waiting = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: CacheRoomOptions) {
    this.#options = options;
  }

  /** Makes room for an image and does the work that fills it. @throws RESOURCE_EXHAUSTED diskFull */
  async within<Answer>(image: ImageFile, work: () => Promise<Answer>): Promise<Answer> {
    this.#waiting.add(image.sha256);
    await this.#inTurn(async () => {
      this.#waiting.delete(image.sha256);
      // First, so that a part that has come before counts: only its rest needs room.
      this.#coming.set(image.sha256, image);
      await this.#evict([...this.#coming.values()]).catch((error: unknown) => {
        this.#coming.delete(image.sha256);
        throw error;
      });
    });
    try {
      return await work();
    } finally {
      this.#coming.delete(image.sha256);
    }
  }

  /** Brings the cache back within its bounds, when others have filled the disk; answers whether it is. */
  async tidy(): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#removeOldParts();
      return this.#evict([...this.#coming.values()]).then(
        () => true,
        (error: unknown) => {
          if (error instanceof StatusError && error.reason === "diskFull") return false;
          throw error;
        },
      );
    });
  }

  /** Notes that an image is used: whether the kernel notes reads is the mount's affair. Never rejects. */
  async used(path: string): Promise<void> {
    await stat(path)
      .then(({ mtime }) => utimes(path, this.#options.nowMs() / 1_000, mtime))
      // Only the order of evictions suffers.
      .catch(() => undefined);
  }

  /** Bytes that cached images take now, and their bounds. */
  async look(): Promise<CacheLook> {
    const { cacheBytesMax, freeBytesMin } = this.#options;
    const freeBytes = await this.#freeBytes();
    const files = await this.#files(true);
    const takenBytes = files.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
    const bounds = { cacheBytesMax: cacheBytesMax ?? null, freeBytesMin };
    return { takenBytes, freeBytes, ...bounds };
  }

  async #freeBytes(): Promise<number> {
    const { directory, freeBytes } = this.#options;
    if (freeBytes !== undefined) return freeBytes();
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  }

  async #evict(coming: readonly ImageFile[]): Promise<void> {
    const { cacheBytesMax, freeBytesMin, given } = this.#options;
    await this.#finishAside();
    const freeBytes = await this.#freeBytes();
    const files = await this.#files();
    const arrived = new Map(files.map((one) => [one.sha256, Math.max(one.allocatedBytes, one.sizeBytes)]));
    const missing = coming.map(({ sha256, sizeBytes }) => sizeBytes - (arrived.get(sha256) ?? 0));
    const wantedBytes = missing.reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
    const bounds = { cacheBytesMax, freeBytesMin, freeBytes, wantedBytes };
    // What guests need is read from many files, and only where something has to go.
    if (missingBytes(files, bounds) <= 0) return;
    const inUse = new Set([...(await this.#needed()), ...coming.map(({ sha256 }) => sha256)]);
    const { evicted, enough } = chooseEvicted(files, inUse, bounds, given?.sending());
    if (!enough) {
      const isOfFree = freeBytesMin + wantedBytes > freeBytes;
      if (isOfFree && (await this.#removeParts((sha256) => !this.#isComing(sha256))))
        return this.#evict(coming);
      throw tooLittle(bounds, files);
    }
    for (const sha256 of evicted) await this.#remove(sha256);
  }

  #isComing(sha256: string): boolean {
    return this.#coming.has(sha256) || this.#waiting.has(sha256);
  }

  async #remove(sha256: string): Promise<void> {
    await this.#options.leases.unleased(sha256, async () => {
      const { directory } = this.#options;
      const aside = `${sha256}.${randomBytes(6).toString("hex")}.aside`;
      await orMissing(rename(join(directory, sha256), join(directory, aside)));
      await this.#decide(sha256, aside);
    });
  }

  /** The second look: what is needed by now is put back. */
  async #decide(sha256: string, aside: string): Promise<void> {
    const { directory } = this.#options;
    if ((await this.#needed()).has(sha256))
      await orMissing(rename(join(directory, aside), join(directory, sha256)));
    else {
      await rm(join(directory, aside), { force: true });
      // Its room is free when nobody has it open any more.
      this.#options.given?.end(sha256);
    }
  }

  /** An agent that died has left some aside. */
  async #finishAside(): Promise<void> {
    for (const name of await readdir(this.#options.directory)) {
      const [, sha256] = /^([0-9a-f]{64})\.[0-9a-f]{12}\.aside$/.exec(name) ?? [];
      if (sha256 !== undefined) await this.#decide(sha256, name);
    }
  }

  async #needed(): Promise<ReadonlySet<string>> {
    const { inUse, leases } = this.#options;
    // Leases first: a guest that is made in between is named by its files before its lease ends.
    const leased = await leases.leased();
    return new Set([...leased, ...(await inUse())]);
  }

  /** Cached images, and what has arrived of images on their way, or of any. */
  async #files(ofAny = false): Promise<readonly (CachedFile & Pick<ImageFile, "sizeBytes">)[]> {
    const { directory } = this.#options;
    const files: (CachedFile & Pick<ImageFile, "sizeBytes">)[] = [];
    for (const name of await readdir(directory)) {
      const [, sha256 = "", part] = /^([0-9a-f]{64})(\.part|\.\d+-[0-9a-f]{12}\.tmp)?$/.exec(name) ?? [];
      const counts = sha256 !== "" && (part === undefined || ofAny || this.#coming.has(sha256));
      const found = counts ? await orMissing(stat(join(directory, name))) : undefined;
      if (found === undefined) continue;
      const allocatedBytes = found.blocks * 512;
      files.push({ sha256, allocatedBytes, sizeBytes: found.size, usedAtMs: found.atimeMs });
    }
    return files;
  }

  #removeOldParts(): Promise<boolean> {
    const { partKeptMs, nowMs } = this.#options;
    return this.#removeParts((_, { mtimeMs }) => nowMs() - mtimeMs > partKeptMs);
  }

  /** Nothing is made of a part. Answers whether any was removed. */
  async #removeParts(
    isMeant: (sha256: string, part: { readonly mtimeMs: number }) => boolean,
  ): Promise<boolean> {
    const { directory } = this.#options;
    let removed = false;
    for (const name of await readdir(directory)) {
      const [, sha256] = /^([0-9a-f]{64})\.part$/.exec(name) ?? [];
      const found = sha256 === undefined ? undefined : await orMissing(stat(join(directory, name)));
      if (sha256 === undefined || found === undefined || !isMeant(sha256, found)) continue;
      await rm(join(directory, name), { force: true });
      removed = true;
    }
    return removed;
  }

  #inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** Numbers of now, for whoever has to choose between a larger bound and fewer guests. */
function tooLittle(bounds: CacheBounds, files: readonly CachedFile[]): StatusError {
  const { cacheBytesMax, freeBytes, freeBytesMin, wantedBytes } = bounds;
  const taken = files.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0);
  const most = cacheBytesMax === undefined ? "" : ` of ${mibOf(cacheBytesMax)} that it may take`;
  const message = [
    `The image cache of the host has no room for ${mibOf(wantedBytes)} MiB more: guests need what is in it.`,
    `It takes ${mibOf(taken)} MiB${most}, and ${mibOf(freeBytes)} MiB of its file system are free,`,
    `of which ${mibOf(freeBytesMin)} stay free.`,
  ].join(" ");
  return new StatusError("diskFull", message);
}

const mibOf = (bytes: number): number => Math.ceil(bytes / 1024 ** 2);

async function orMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
