/**
 * The fault of a full disk: a file that fills a small file system of the cluster: that of a node's guests
 * (which `up` makes for chaos.nodeFileSystemMib), the state directory's with logs, PostgreSQL and JetStream,
 * the shared directory's, or all of them. Only where the directory is the root of a small file system: this
 * file must never fill a disk that others use.
 */

import { existsSync, statfsSync, statSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { startCommand } from "../package/typed-command.ts";
import { FaultRefused, type Injected } from "./injected.ts";
import { fillTargets } from "./scenario.ts";

const fillerName = "chaos-filler";
const chunkBytes = 1024 * 1024;
/** A filler file that grows beyond this size is on a disk of somebody else. */
const fillBytesMax = 16 * 1024 ** 3;

const isFillTarget = (target: string): target is (typeof fillTargets)[number] =>
  fillTargets.some((one) => one === target);

/** Fills what the target names. @throws FaultRefused when that has no small file system of its own */
export async function fillDisk(config: ClusterConfig, target: string): Promise<Injected> {
  const directories = fillable(config, target);
  const heal = async () => {
    for (const directory of directories) await rm(join(directory, fillerName), { force: true });
  };
  let written = 0;
  try {
    for (const directory of directories) written += await fill(join(directory, fillerName));
  } catch (error) {
    await heal();
    throw error;
  }
  return { note: `${target}, ${Math.round(written / chunkBytes)} MiB more`, heal };
}

/** The directories to fill, each the root of a small file system. @throws FaultRefused when there is none */
function fillable(config: ClusterConfig, target: string): readonly string[] {
  if (!isFillTarget(target)) return [small(statePaths(config).nodeFileSystem(target), target, nodeRemedy())];
  const places = placesOf(config)[target];
  if (target !== "all") return places.map((directory) => small(directory, `The ${target} directory`, remedy));
  const own = places.filter(isOwnFileSystem);
  if (own.length === 0) throw new FaultRefused(`Nothing of this cluster ${lacking}${remedy}`);
  return own.map((directory) => small(directory, directory, remedy));
}

export function placesOf(
  config: ClusterConfig,
): Readonly<Record<(typeof fillTargets)[number], readonly string[]>> {
  const nodes = config.nodes.map(({ name }) => statePaths(config).nodeFileSystem(name));
  const shared = [...new Set(config.nodes.flatMap(({ sharedDirectory }) => sharedDirectory ?? []))];
  return { state: [config.stateDirectory], shared, all: [config.stateDirectory, ...shared, ...nodes] };
}

const lacking = "has no small file system of its own: ";
const remedy = "mount one there, as a tmpfs.";
const nodeRemedy = () => `set chaos.nodeFileSystemMib, and run ${startCommand()} as root.`;

export const isOwnFileSystem = (directory: string): boolean =>
  existsSync(directory) && statSync(directory).dev !== statSync(dirname(directory)).dev;

/** Those of the state or the shared directory. @throws FaultRefused when one is no small file system */
export const smallPlaces = (config: ClusterConfig, target: "state" | "shared"): readonly string[] =>
  placesOf(config)[target].map((directory) => small(directory, `The ${target} directory`, remedy));

function small(directory: string, name: string, how: string): string {
  if (!isOwnFileSystem(directory)) throw new FaultRefused(`${name} ${lacking}${how}`);
  const { blocks, bsize } = statfsSync(directory);
  if (blocks * bsize > fillBytesMax)
    throw new FaultRefused(`The file system of ${directory} is too large to fill.`);
  return directory;
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
  for (const directory of placesOf(config).all) await rm(join(directory, fillerName), { force: true });
}
