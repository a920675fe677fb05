/**
 * The user ids of a container: 65,536 of its own, so that what breaks out of it can read nobody else's files.
 * They are made of the instance's id, and the next free ones when another container of the computer has them.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { guestFiles, isMissing } from "./guest-files.ts";
import { containerLimits } from "./limits.ts";

/** Within the range that systemd leaves to containers; the users of novact's QEMU guests begin above. */
export const uidFirstDefault = 0x6000_0000;
const rangesMax = 4_095;

/** First user id of the container, as recorded when its disk was made; undefined: it has none yet. */
export async function recordedUids(directory: string): Promise<number | undefined> {
  try {
    const text = await readFile(join(directory, guestFiles.uids), "utf8");
    return /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The ranges that an instance may have, by their first ids, in the order in which it wants them. Pure. */
export function* uidRanges(instanceId: string, first: number): Generator<number, void> {
  const wanted = createHash("sha256").update(instanceId).digest().readUInt32BE(0);
  for (let step = 0; step < rangesMax; step += 1)
    yield first + ((wanted + step) % rangesMax) * containerLimits.uidsOfOne;
}
