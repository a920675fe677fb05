/**
 * Removes what a dead process has left while it sealed an upload. It must never remove a part or a record.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import { isMissing, isTemporaryName } from "../../durable-file.ts";

/** `directory`: of the uploads; may be missing. */
export async function removeLeftovers(directory: string, nowMs: number): Promise<void> {
  for (const name of (await orMissing(readdir(directory))) ?? []) {
    if (!isTemporaryName(name)) continue;
    const path = join(directory, name);
    const found = await orMissing(stat(path));
    // Whoever is at work writes to it.
    if (found !== undefined && nowMs - found.mtimeMs > storageLimits.uploadKeptMs)
      await rm(path, { force: true });
  }
}

async function orMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
