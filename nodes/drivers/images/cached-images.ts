/**
 * The images of a host's own cache, as it gives them to other hosts: whole ones alone, which were verified
 * when they came. A guest comes before any other host: what has to make room goes while it is sent, and the
 * transfer ends, to go on from elsewhere. It must never keep a file from being evicted.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageBytes, OpenImage } from "../../../actors/ports/image-bytes.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { isMissing } from "../durable-file.ts";
import { createImageBytes } from "./bytes.ts";
import { imageLimits } from "./limits.ts";

export class CachedImages implements ImageBytes {
  readonly #directory: string;
  readonly #files: ImageBytes;
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** By checksum: what ends each transfer. */
  readonly #sending = new Map<string, Set<() => void>>();
  #listed: readonly string[] = [];
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  constructor(directory: string, clock: Pick<Clock, "monotonicMs">) {
    this.#directory = directory;
    this.#files = createImageBytes(directory);
    this.#clock = clock;
  }

  async open(sha256: string): Promise<OpenImage | undefined> {
    const file = await this.#files.open(sha256);
    if (file === undefined) return undefined;
    let isGone = false;
    const end = () => {
      isGone = true;
    };
    const others = this.#sending.get(sha256) ?? new Set();
    this.#sending.set(sha256, others.add(end));
    return {
      sizeBytes: file.sizeBytes,
      read: async (at, length) => {
        if (isGone) throw new Error("The image made room for another one.");
        return file.read(at, length);
      },
      close: () => {
        others.delete(end);
        if (others.size === 0 && this.#sending.get(sha256) === others) this.#sending.delete(sha256);
        return file.close();
      },
    };
  }

  /** The images that are on their way to other hosts now. */
  sending(): ReadonlySet<string> {
    return new Set(this.#sending.keys());
  }

  /** Ends the transfers of an image that has gone, so that its room is free. */
  end(sha256: string): void {
    for (const end of this.#sending.get(sha256) ?? []) end();
  }

  /**
   * Checksums of the images that were there a moment ago, those first that were used last. Waits for
   * nothing.
   */
  list(): readonly string[] {
    if (!this.#isLooking && this.#clock.monotonicMs() - this.#lookedAtMs >= imageLimits.cacheListedMs)
      void this.#look();
    return this.#listed;
  }

  /** A directory that cannot be read has nothing to give. */
  async #look(): Promise<void> {
    this.#isLooking = true;
    this.#listed = await this.#found().catch(() => []);
    this.#lookedAtMs = this.#clock.monotonicMs();
    this.#isLooking = false;
  }

  async #found(): Promise<readonly string[]> {
    const names = (await readdir(this.#directory)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const used: { readonly sha256: string; readonly atMs: number }[] = [];
    for (const sha256 of names) {
      const atMs = await usedAtMs(join(this.#directory, sha256));
      if (atMs !== undefined) used.push({ sha256, atMs });
    }
    return used.sort((a, b) => b.atMs - a.atMs).map(({ sha256 }) => sha256);
  }
}

async function usedAtMs(path: string): Promise<number | undefined> {
  try {
    const { atimeMs, mtimeMs } = await stat(path);
    return Math.max(atimeMs, mtimeMs);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
