/**
 * Calls on the files of volumes, synchronous (directory.ts says why). Nothing here may leave a change in the
 * page cache alone: what is made is synced before it gets its name.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import type { KeptVolume, VolumeUsage } from "../../../actors/ports/volumes.ts";
import { isMissing } from "../durable-file.ts";
import type { FoundVolume } from "./names.ts";

/** Makes an empty file of this size, which takes up no room yet. */
export function putFile(path: string, sizeBytes: number): void {
  const file = fs.openSync(path, "w", 0o600);
  try {
    if (sizeBytes > 0) fs.ftruncateSync(file, sizeBytes);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/**
 * Never waits for the process that has the file open: its user may hold a lease on it, which root's opening
 * would have to break first (fcntl(2)). @throws EAGAIN then
 */
export function enlarge(path: string, sizeBytes: number): void {
  const { O_NOFOLLOW, O_NONBLOCK, O_RDWR } = fs.constants;
  const file = fs.openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  try {
    fs.ftruncateSync(file, sizeBytes);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** A file or a directory. */
export function syncPath(path: string): void {
  const file = fs.openSync(path, "r");
  try {
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
}

/** Removes a directory with its files; what is gone already is removed. */
export function removeTree(directory: string): void {
  try {
    for (const name of fs.readdirSync(directory)) fs.rmSync(join(directory, name), { force: true });
    fs.rmdirSync(directory);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Sizes of a volume, as the file system has them. Undefined: the name is gone meanwhile. */
export function kept(file: string, { name: _, kind, ...volume }: FoundVolume): KeptVolume | undefined {
  try {
    const { size, blocks } = fs.statSync(file);
    return { ...volume, sizeBytes: size, allocatedBytes: blocks * blockBytes, whole: kind === "whole" };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return kind === "whole" ? undefined : { ...volume, sizeBytes: 0, allocatedBytes: 0, whole: false };
  }
}

/** The unit of `st_blocks`, whatever the file system's own is. Source: stat(2). */
const blockBytes = 512;

/** Without what is reserved for root. */
export function roomOf({
  bavail,
  bfree,
  blocks,
  bsize,
}: fs.StatsFs): Pick<VolumeUsage, "capacityBytes" | "freeBytes"> {
  return { capacityBytes: (blocks - (bfree - bavail)) * bsize, freeBytes: bavail * bsize };
}
