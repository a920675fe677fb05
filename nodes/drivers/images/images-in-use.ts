/**
 * The images that the guests of a host need: those that a machine's file names, and those that the overlay of
 * a guest's disk has below it. Whatever cannot be read is an error, for nothing may be evicted by a guess.
 */
import { open, readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { isMissing } from "../durable-file.ts";
import { guestFiles, type StateDirectories } from "../guest-directory.ts";

export async function imagesInUse(
  directories: Pick<StateDirectories, "guests" | "machines">,
): Promise<ReadonlySet<string>> {
  const { guests, machines } = directories;
  const inUse = new Set<string>();
  for (const name of await namesIn(machines)) {
    if (!name.endsWith(".json")) continue;
    const text = await orMissing(readFile(join(machines, name), "utf8"));
    for (const [, sha256 = ""] of (text ?? "").matchAll(/"sha256":\s*"([0-9a-f]{64})"/g)) inUse.add(sha256);
  }
  for (const { sha256 } of await basesOf({ guests })) inUse.add(sha256);
  return inUse;
}

export interface BaseOfDisk {
  readonly instanceId: string;
  readonly sha256: string;
}

/** The images that are below disks of guests. */
export async function basesOf({ guests }: Pick<StateDirectories, "guests">): Promise<readonly BaseOfDisk[]> {
  const bases: BaseOfDisk[] = [];
  for (const instanceId of await namesIn(guests)) {
    const sha256 = await baseOf(join(guests, instanceId, guestFiles.disk));
    if (sha256 !== undefined) bases.push({ instanceId, sha256 });
  }
  return bases;
}

const [headBytes, nameBytesMax] = [24, 1_023];

/** The image below a disk; undefined: there is no disk, or nothing below it. */
async function baseOf(path: string): Promise<string | undefined> {
  const disk = await orMissing(open(path, "r"));
  if (disk === undefined) return undefined;
  try {
    const head = Buffer.alloc(headBytes);
    const { bytesRead } = await disk.read(head, 0, headBytes, 0);
    if (bytesRead < headBytes || head.toString("latin1", 0, 4) !== "QFI\xfb") return undefined;
    const [at, length] = [Number(head.readBigUInt64BE(8)), head.readUInt32BE(16)];
    if (at === 0 || length === 0) return undefined;
    const name = Buffer.alloc(Math.min(length, nameBytesMax));
    await disk.read(name, 0, name.length, at);
    return basename(name.toString("utf8"));
  } finally {
    await disk.close();
  }
}

const namesIn = async (directory: string): Promise<readonly string[]> =>
  (await orMissing(readdir(directory))) ?? [];

async function orMissing<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
