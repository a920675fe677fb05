/**
 * Removal of files from the image store, while other processes may put the same content into it. Only the
 * order of the steps keeps the processes apart, so any of them may be paused or die at any time:
 *
 *   <sha256>                    a file that is kept
 *   <sha256>.<imageId>.held     hold of a registration that is not decided yet; empty
 *   <sha256>.<random>.aside     a file that is set aside, and not removed yet
 *
 * A registration makes its hold, stores its file, writes its row, and removes its hold. A removal looks for
 * holds and rows, sets the file aside, looks again, and only then removes the file, or puts it back. The
 * second look finds every registration that stored the file before it was set aside: by its hold, or, once
 * the hold is gone, by its row. A registration after that stores a new file. No code here may skip the second
 * look.
 */
import { randomBytes } from "node:crypto";
import { open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { FileHold, KeptFile, NamedFiles } from "../../../actors/ports/image-files.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";
import { isMissing } from "../durable-file.ts";

const namePattern = /^(?<sha256>[0-9a-f]{64})(?:\.(?<whose>[A-Za-z0-9_-]+)\.(?<what>held|aside))?$/;

/** Makes a hold: from now on nobody removes the file, which the caller is about to store. */
export async function holdFile(directory: string, sha256: string, imageId: string): Promise<void> {
  if (!isToken(imageId)) throw new Error("An image id that is no token cannot name a file.");
  const path = join(directory, `${sha256}.${imageId}.held`);
  try {
    const hold = await open(path, "wx", 0o444);
    await hold.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // Only root could open it again: held anew, as of now.
    const now = new Date();
    await utimes(path, now, now);
  }
}

/** Removes an image's holds; answers the checksums of the files that were held. */
export async function releaseFiles(directory: string, imageId: string): Promise<readonly string[]> {
  const held = (await entriesIn(directory)).filter(({ what, whose }) => what === "held" && whose === imageId);
  for (const { name } of held) await rm(join(directory, name), { force: true });
  return held.map(({ sha256 }) => sha256);
}

export async function listFiles(
  directory: string,
): Promise<{ readonly files: readonly KeptFile[]; readonly holds: readonly FileHold[] }> {
  const files: KeptFile[] = [];
  const holds: FileHold[] = [];
  for (const { name, sha256, whose, what } of await entriesIn(directory)) {
    const facts = await factsOf(join(directory, name));
    if (facts === undefined) continue;
    const { size: sizeBytes, mtimeMs } = facts;
    const atMs = Math.trunc(mtimeMs);
    if (what === "held") holds.push({ imageId: whose, sha256, heldAtMs: atMs });
    else files.push({ sha256, sizeBytes, keptAtMs: atMs, aside: what === "aside" });
  }
  return { files, holds };
}

/**
 * Removes the files that no image names and no registration holds, as ImageFiles says; answers their
 * checksums.
 */
export async function removeUnnamed(
  directory: string,
  sha256s: readonly string[],
  named: NamedFiles,
): Promise<readonly string[]> {
  const candidates = new Set(sha256s);
  const unwanted = async (): Promise<ReadonlySet<string>> => {
    // Holds first: a registration that lets go in between has written its row by then.
    const held = await heldIn(directory);
    const wanted = await named();
    return new Set([...candidates].filter((sha256) => !held.has(sha256) && !wanted.has(sha256)));
  };
  for (const sha256 of await unwanted()) await setAside(directory, sha256);
  const aside = (await entriesIn(directory)).filter((entry) => entry.what === "aside");
  const going = await unwanted();
  const removed = new Set<string>();
  for (const { name, sha256 } of aside.filter((entry) => candidates.has(entry.sha256))) {
    if (going.has(sha256)) await rm(join(directory, name), { force: true });
    else await renameIfThere(join(directory, name), join(directory, sha256));
    if (going.has(sha256)) removed.add(sha256);
  }
  return [...removed];
}

interface Entry {
  readonly name: string;
  readonly sha256: string;
  /** The image's id in the name of a hold; without meaning in other names. */
  readonly whose: string;
  readonly what: "kept" | "held" | "aside";
}

async function entriesIn(directory: string): Promise<readonly Entry[]> {
  return (await readdir(directory)).flatMap((name) => {
    const { sha256, whose = "", what = "kept" } = namePattern.exec(name)?.groups ?? {};
    if (sha256 === undefined || (what !== "kept" && what !== "held" && what !== "aside")) return [];
    return [{ name, sha256, whose, what }];
  });
}

async function heldIn(directory: string): Promise<ReadonlySet<string>> {
  const holds = (await entriesIn(directory)).filter(({ what }) => what === "held");
  return new Set(holds.map(({ sha256 }) => sha256));
}

const setAside = (directory: string, sha256: string): Promise<void> =>
  renameIfThere(
    join(directory, sha256),
    join(directory, `${sha256}.${randomBytes(6).toString("hex")}.aside`),
  );

/**
 * Renames a file. When it does not exist (any more), another removal was faster, or the files are on another
 * computer.
 */
async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

async function factsOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
