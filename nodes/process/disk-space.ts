/**
 * Room on file systems, as the kernel tells it. A file system that does not answer (network storage) is asked
 * once and no more until it has: each question holds a thread of the process.
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
}

export class DirectorySpace implements DiskSpace {
  readonly #directories: readonly WatchedDirectory[];
  readonly #asked = new Map<string, Promise<Measured | undefined>>();

  /** A directory that is missing now is watched from the moment it is there. */
  constructor(directories: readonly WatchedDirectory[]) {
    this.#directories = directories;
  }

  async look(): Promise<readonly FileSystemSpace[]> {
    const timeout = new AbortController();
    const patience = sleep(processLimits.spaceAnswerMs, undefined, { signal: timeout.signal }).catch(
      () => undefined,
    );
    const found = await Promise.all(
      this.#directories.map((directory) => Promise.race([this.#ask(directory), patience])),
    );
    timeout.abort();
    return apart(found.flatMap((one) => one ?? [])).map(({ space }) => space);
  }

  #ask(directory: WatchedDirectory): Promise<Measured | undefined> {
    const known = this.#asked.get(directory.path);
    if (known !== undefined) return known;
    const asked = spaceIn(directory).finally(() => this.#asked.delete(directory.path));
    this.#asked.set(directory.path, asked);
    return asked;
  }
}

interface Measured {
  readonly device: number;
  readonly space: FileSystemSpace;
}

/** Each file system once, under the name of the first directory on it: which these are may change. */
const apart = (found: readonly Measured[]): readonly Measured[] =>
  found.filter(({ device }, index) => found.findIndex((one) => one.device === device) === index);

/** The room that is left to users without privileges, as PostgreSQL is one; undefined: it cannot be told. */
async function spaceIn({ of, path }: WatchedDirectory): Promise<Measured | undefined> {
  try {
    const { dev } = await stat(path);
    const { bavail, blocks, bsize } = await statfs(path);
    return { device: dev, space: { of, freeBytes: bavail * bsize, totalBytes: blocks * bsize } };
  } catch {
    // The directory is missing: its user reports that.
    return undefined;
  }
}
