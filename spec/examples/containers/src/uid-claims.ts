/**
 * Which container of the computer has which user ids: links in a directory that all its nodes share, each
 * named for the first id of a range, and leading to the container's directory. A link is made in one step
 * or not at all, so that two agents never make the same one. A claim holds while its container's directory
 * says that it has the range; so the directory has to say so before the claim is made. This file must never
 * take a range from a container that has it.
 */
import { mkdir, readlink, rename, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./guest-files.ts";
import { recordedUids } from "./uid-range.ts";

export class UidClaims {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** True: the range is the container's, and nobody else's. Idempotent. `container`: its directory. */
  async claim(uids: number, container: string): Promise<boolean> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(uids);
    if (await madeLink(container, path)) return true;
    const owner = await ownerOf(path);
    if (owner === container) return true;
    if (owner !== undefined && (await recordedUids(owner)) === uids) return false;
    // Of a container that is gone.
    return this.#takeOver(uids, container, owner);
  }

  /** Of several agents only the one that makes the directory beside the link replaces the link. */
  async #takeOver(uids: number, container: string, owner: string | undefined): Promise<boolean> {
    const path = this.#path(uids);
    const lock = `${path}.taking`;
    if (!(await madeDirectory(lock))) {
      // Left by an agent that was killed: the range is free again for the next who asks.
      if ((await ageOf(lock)) > takingMsMax) await rm(lock, { recursive: true, force: true });
      return false;
    }
    try {
      // The link was replaced since it was read.
      if ((await ownerOf(path)) !== owner) return false;
      const next = join(lock, "link");
      await symlink(container, next);
      await rename(next, path);
      return true;
    } finally {
      await rm(lock, { recursive: true, force: true });
    }
  }

  /** Gives the range back, if it is the container's. Idempotent. */
  async release(uids: number, container: string): Promise<void> {
    if ((await ownerOf(this.#path(uids))) === container) await rm(this.#path(uids), { force: true });
  }

  #path(uids: number): string {
    return join(this.#directory, String(uids));
  }
}

/** Longest that a range is being taken over: two steps. */
const takingMsMax = 60_000;

async function ageOf(path: string): Promise<number> {
  try {
    return Date.now() - (await stat(path)).mtimeMs;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function madeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function madeLink(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function ownerOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
