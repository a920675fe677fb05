/**
 * The fault of a full disk: a file that fills a node's file system. Only on a small file system that `up` has
 * made for the node (chaos.nodeFileSystemMib): this file must never fill a disk that others use.
 */

import { existsSync, statfsSync, statSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { startCommand } from "../package/typed-command.ts";
import { FaultRefused, type Injected } from "./injected.ts";

const fillerName = "chaos-filler";
const chunkBytes = 1024 * 1024;
/** A filler file that grows beyond this size is on a disk of somebody else. */
const fillBytesMax = 16 * 1024 ** 3;

const fillerOf = (config: ClusterConfig, node: string): string =>
  join(statePaths(config).nodeFileSystem(node), fillerName);

/** Fills the node's file system. @throws FaultRefused when the node has no file system of its own */
export async function fillDisk(config: ClusterConfig, node: string): Promise<Injected> {
  const directory = statePaths(config).nodeFileSystem(node);
  if (!existsSync(directory) || statSync(directory).dev === statSync(dirname(directory)).dev) {
    throw new FaultRefused(
      `${node} has no small file system of its own: set chaos.nodeFileSystemMib, and run ${startCommand()} as root.`,
    );
  }
  const { blocks, bsize } = statfsSync(directory);
  if (blocks * bsize > fillBytesMax)
    throw new FaultRefused(`The file system of ${node} is too large to fill.`);
  const file = fillerOf(config, node);
  const written = await fill(file);
  return {
    note: `${node}, ${Math.round(written / chunkBytes)} MiB more`,
    heal: () => rm(file, { force: true }),
  };
}

/** Fills the file system with one file; answers its size in bytes. */
async function fill(path: string): Promise<number> {
  const file = await open(path, "w", 0o600);
  let written = 0;
  try {
    for (let size = chunkBytes; size >= 512; size /= 2) {
      const chunk = Buffer.alloc(size);
      while (written < fillBytesMax) {
        const done = await file.write(chunk).catch(onlyFull);
        if (done === undefined) break;
        written += done.bytesWritten;
      }
    }
  } finally {
    await file.close();
  }
  return written;
}

function onlyFull(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOSPC") throw error;
}

/** Removes the filler files that earlier runs may have left. */
export async function removeFillers(config: ClusterConfig): Promise<void> {
  for (const { name } of config.nodes) await rm(fillerOf(config, name), { force: true });
}
