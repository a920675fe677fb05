/**
 * What files of a host really take on their file system, holes not counted. Measured now and then, in the
 * background, one file after the other: nobody waits for it, a file system that hangs holds one thread, and
 * it is not asked again until it has answered. It opens no file and follows no link.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../protocol/wire/transport.ts";
import type { SpaceUse } from "../process/disk-space.ts";
import { driverLimits } from "./limits.ts";

const bytesPerBlock = 512;

/** Bytes of the files at these paths; a missing file, a link and a directory take none. */
export async function allocatedBy(paths: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const path of paths) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isFile() === true) bytes += found.blocks * bytesPerBlock;
  }
  return bytes;
}

/** The bytes of the files in a directory, without those in directories of it. */
export async function allocatedIn(directory: string): Promise<number> {
  return allocatedBy((await readdir(directory)).map((name) => join(directory, name)));
}

/**
 * Tells the last measurement at once, and begins the next where it is due. One that fails changes nothing:
 * whoever needs the files says why they cannot be read.
 */
export function useOf(
  measures: readonly (() => Promise<SpaceUse>)[],
  clock: Pick<Clock, "monotonicMs">,
): () => SpaceUse {
  let known: SpaceUse = {};
  let beganAtMs = Number.NEGATIVE_INFINITY;
  let measuring = false;
  const measure = async () => {
    for (const one of measures) known = { ...known, ...(await one()) };
  };
  return () => {
    const nowMs = clock.monotonicMs();
    if (!measuring && nowMs - beganAtMs >= driverLimits.usePeriodMs) {
      [measuring, beganAtMs] = [true, nowMs];
      void measure()
        .catch(() => undefined)
        .finally(() => {
          measuring = false;
        });
    }
    return known;
  };
}
