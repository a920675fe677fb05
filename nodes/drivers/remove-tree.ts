/**
 * Removes a directory that a guest's user may write to, perhaps at this very moment, by a process that broke
 * out of its guest. Each directory is held open while what is in it is removed, so that a link that is put in
 * the place of one leads nowhere else. It must never remove anything beside what the directory has in it.
 */
import { constants } from "node:fs";
import { open, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./durable-file.ts";

/** No hypervisor of ours makes any directory there. */
const depthMax = 32;
const directoryOnly = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** A name without a directory is left alone. @throws Error when somebody fills the directory meanwhile */
export async function removeTree(directory: string, depth = 0): Promise<void> {
  if (depth > depthMax) throw new Error(`More than ${depthMax} directories lie in each other: ${directory}.`);
  try {
    const handle = await open(directory, directoryOnly);
    try {
      const held = `/proc/self/fd/${handle.fd}`;
      for (const name of await readdir(held)) await removeEntry(join(held, name), depth);
    } finally {
      await handle.close();
    }
    await rmdir(directory);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** What is no directory is removed, and not followed. */
async function removeEntry(path: string, depth: number): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EISDIR" || code === "EPERM") await removeTree(path, depth + 1);
    else if (!isMissing(error)) throw error;
  }
}
