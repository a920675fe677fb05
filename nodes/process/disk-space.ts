/**
 * Room on file systems, as the kernel tells it. A file system that does not answer (network storage) is asked
 * once and no more until it has: each question holds a thread of the process.
 */

import { statSync } from "node:fs";
import { statfs } from "node:fs/promises";
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

/** The directories without those that lie on the file system of an earlier one. */
export function apart(directories: readonly WatchedDirectory[]): readonly WatchedDirectory[] {
  const seen = new Set<number>();
  return directories.filter(({ path }) => {
    const device = statSync(path, { throwIfNoEntry: false })?.dev;
    if (device === undefined || seen.has(device)) return false;
    seen.add(device);
    return true;
  });
}

export interface WatchedDirectory {
  /** What it is, in words that follow "the file system of the". */
  readonly of: string;
  readonly path: string;
}

export class DirectorySpace implements DiskSpace {
  readonly #directories: readonly WatchedDirectory[];
  readonly #asked = new Map<string, Promise<FileSystemSpace | undefined>>();

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
    return found.flatMap((one) => one ?? []);
  }

  #ask(directory: WatchedDirectory): Promise<FileSystemSpace | undefined> {
    const known = this.#asked.get(directory.path);
    if (known !== undefined) return known;
    const asked = spaceIn(directory).finally(() => this.#asked.delete(directory.path));
    this.#asked.set(directory.path, asked);
    return asked;
  }
}

/** The room that is left to users without privileges, as PostgreSQL is one; undefined: it cannot be told. */
async function spaceIn({ of, path }: WatchedDirectory): Promise<FileSystemSpace | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    return { of, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    // The directory is missing: its user reports that.
    return undefined;
  }
}
