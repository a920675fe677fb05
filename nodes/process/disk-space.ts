/**
 * Room on file systems, as the kernel tells it. A file system that does not answer (network storage) is asked
 * once and no more until it has: each question holds a thread of the process. Until then it is told as it
 * was, and for how long it has been silent. Nothing here waits for longer than a look may take.
 */

import { stat, statfs } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { FileSystemSpace } from "../../protocol/space.ts";
import { processLimits } from "./limits.ts";

/** What lies on the file systems that processes of ours write to. */
export const spaceNames = {
  state: "state directory",
  guests: "directory of guests",
  shared: "shared directory",
  database: "database",
} as const;

export interface WatchedDirectory {
  /** What it is, in words that follow "the file system of the". */
  readonly of: string;
  readonly path: string;
  /** New disks of guests are made there. Absent: none. */
  readonly disks?: true;
  /** What lies there, as it was measured a while ago. It must answer at once, and never throw. */
  readonly use?: () => SpaceUse;
}

/** What takes room on a file system; absent: it was not measured yet, or there is no such thing. */
export type SpaceUse = Pick<FileSystemSpace, "allocatedBytes" | "imagesBytes">;

export class DirectorySpace implements DiskSpace {
  readonly #directories: readonly WatchedDirectory[];
  readonly #asked = new Map<WatchedDirectory, Question>();
  /** As each directory was told when it last answered. */
  readonly #told = new Map<WatchedDirectory, Measured>();
  /** Since when a file system answers with errors. */
  readonly #failed = new Map<WatchedDirectory, number>();
  readonly #nowMs: () => number;

  /** A directory that is missing now is watched from the moment it is there. `nowMs`: monotonic. */
  constructor(directories: readonly WatchedDirectory[], nowMs = () => performance.now()) {
    this.#directories = directories;
    this.#nowMs = nowMs;
  }

  async look(): Promise<readonly FileSystemSpace[]> {
    const timeout = new AbortController();
    const patience = sleep(processLimits.spaceAnswerMs, undefined, { signal: timeout.signal }).catch(
      () => undefined,
    );
    const found = await Promise.all(
      this.#directories.map(async (directory) => {
        await Promise.race([this.#ask(directory), patience]);
        return this.#toldOf(directory);
      }),
    );
    timeout.abort();
    return apart(found.flatMap((one) => one ?? []));
  }

  #ask(directory: WatchedDirectory): Promise<void> {
    const known = this.#asked.get(directory);
    if (known !== undefined) return known.answered;
    const failedSinceMs = this.#failed.get(directory);
    const answered = spaceIn(directory).then(
      (measured) => {
        this.#asked.delete(directory);
        this.#failed.delete(directory);
        if (measured === undefined) this.#told.delete(directory);
        else this.#told.set(directory, measured);
      },
      () => {
        // An error of the file system is no answer: it is told as it was, and as silent.
        this.#asked.delete(directory);
        this.#failed.set(directory, sinceMs);
      },
    );
    const sinceMs = failedSinceMs ?? this.#nowMs();
    this.#asked.set(directory, { answered, sinceMs });
    return answered;
  }

  #toldOf(directory: WatchedDirectory): Measured | undefined {
    const { use } = directory;
    const told = this.#told.get(directory);
    const sinceMs = this.#asked.get(directory)?.sinceMs ?? this.#failed.get(directory);
    if (told === undefined) return undefined;
    if (sinceMs !== undefined) {
      const silentMs = Math.round(this.#nowMs() - sinceMs);
      return { ...told, space: { ...told.space, silentMs } };
    }
    // Only of a file system that has just answered: what measures it would hang on another.
    return use === undefined ? told : { ...told, space: { ...told.space, ...use() } };
  }
}

interface Question {
  readonly answered: Promise<void>;
  readonly sinceMs: number;
}

interface Measured {
  readonly device: number;
  readonly space: FileSystemSpace;
}

/**
 * Each file system once, under the name of the first directory on it (which these are may change), with what
 * lies in all of them.
 */
function apart(found: readonly Measured[]): readonly FileSystemSpace[] {
  const byDevice = new Map<number, FileSystemSpace>();
  for (const { device, space } of found) {
    const first = byDevice.get(device);
    byDevice.set(device, first === undefined ? space : together(first, space));
  }
  return [...byDevice.values()];
}

const together = (first: FileSystemSpace, other: FileSystemSpace): FileSystemSpace => ({
  ...first,
  ...(other.disks === true ? { disks: true } : {}),
  ...summed("allocatedBytes", first, other),
  ...summed("imagesBytes", first, other),
});

function summed(name: keyof SpaceUse, first: SpaceUse, other: SpaceUse): SpaceUse {
  const sum = (first[name] ?? 0) + (other[name] ?? 0);
  return first[name] === undefined && other[name] === undefined ? {} : { [name]: sum };
}

/** The room that is left to users without privileges, as PostgreSQL is one; undefined: it cannot be told. */
async function spaceIn({ of, path, disks }: WatchedDirectory): Promise<Measured | undefined> {
  try {
    const { dev } = await stat(path);
    const { bavail, bfree, blocks, bsize } = await statfs(path);
    // The total of df: blocks that the file system keeps for root are left out.
    const room = { of, freeBytes: bavail * bsize, totalBytes: (blocks - bfree + bavail) * bsize };
    return { device: dev, space: disks === true ? { ...room, disks } : room };
  } catch (error) {
    // The directory is missing: its user reports that.
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
