/**
 * The fault of a storage that hangs: a small file system of the cluster is frozen, so that whoever writes
 * there waits in the kernel, and cannot even be killed, until it is thawed. Only where the directory is the
 * root of a small file system (full-disk.ts), of a kind that can be frozen: not one in memory. This file must
 * never leave one frozen: what an earlier run has left is thawed as well.
 */
import type { ClusterConfig } from "../config/config.ts";
import { runTool } from "../drivers/tool.ts";
import { isOwnFileSystem, placesOf, smallPlaces } from "./full-disk.ts";
import { FaultRefused, type Injected } from "./injected.ts";

/** Freezing waits until what was written before has come to the disk. */
const timeoutMs = 30_000;

/** @throws FaultRefused when that has no small file system of its own, or one that cannot be frozen */
export async function hangDisk(config: ClusterConfig, target: string): Promise<Injected> {
  if (target !== "state" && target !== "shared") throw new FaultRefused(`${target} cannot hang.`);
  const directories = smallPlaces(config, target);
  const heal = async () => {
    for (const directory of directories) await tell("--unfreeze", directory);
  };
  for (const directory of directories)
    try {
      await tell("--freeze", directory);
    } catch (error) {
      await thawDisks(config);
      throw new FaultRefused(`${directory} cannot be frozen: ${(error as Error).message}`);
    }
  return { note: directories.join(", "), heal };
}

/** @throws Error in the tool's words */
async function tell(word: "--freeze" | "--unfreeze", directory: string): Promise<void> {
  const { exitCode, errors } = await runTool("fsfreeze", [word, directory], { timeoutMs });
  if (exitCode !== 0) throw new Error(errors.trim() || `fsfreeze ended with ${exitCode}`);
}

/** Thaws what any run has left frozen: of what is not frozen the kernel says so, and nothing else happens. */
export async function thawDisks(config: ClusterConfig): Promise<void> {
  const { state, shared } = placesOf(config);
  for (const directory of [...state, ...shared])
    if (isOwnFileSystem(directory)) await tell("--unfreeze", directory).catch(() => undefined);
}
