/**
 * A small file system in memory for the guests of one node, which `novact chaos` may fill without filling the
 * computer's disk. Only where chaos.nodeFileSystemMib asks for it, and only as root. While disks lie on it,
 * it stays mounted when the cluster goes down, because guests' disks must outlive their node.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { type ClusterConfig, statePaths } from "../config/config.ts";

const run = promisify(execFile);

const isMounted = (directory: string): boolean =>
  existsSync(directory) && statSync(directory).dev !== statSync(dirname(directory)).dev;

/**
 * Mounts the file system. Harmless when it is mounted already. An obstacle is reported, and the node starts
 * without the file system.
 */
export async function mountNodeFileSystem(
  config: ClusterConfig,
  node: string,
  say: (text: string) => void,
): Promise<void> {
  const { nodeFileSystemMib } = config.chaos;
  const directory = statePaths(config).nodeFileSystem(node);
  if (!config.chaos.allowed || nodeFileSystemMib === 0 || isMounted(directory)) return;
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const obstacle = obstacleTo(directory);
  if (obstacle !== undefined) return say(`${node} gets no file system of its own: ${obstacle}`);
  const options = `size=${nodeFileSystemMib}m,mode=0711,nosuid,nodev`;
  try {
    await run("mount", ["-t", "tmpfs", "-o", options, `novact-${node}`, directory]);
    say(`${node} has a file system of its own, ${nodeFileSystemMib} MiB`);
  } catch (error) {
    say(`${node} gets no file system of its own: ${(error as Error).message.trim()}`);
  }
}

function obstacleTo(directory: string): string | undefined {
  if (process.getuid?.() !== 0) return "only root may mount one.";
  if (readdirSync(directory).length > 0) return `there are guests in ${directory}, which it would hide.`;
  return undefined;
}

/** Unmounts the file system once nothing lies on it any more. An obstacle is reported. */
export async function unmountNodeFileSystem(
  config: ClusterConfig,
  node: string,
  say: (text: string) => void,
): Promise<void> {
  const directory = statePaths(config).nodeFileSystem(node);
  try {
    if (config.chaos.nodeFileSystemMib === 0 || !isMounted(directory)) return;
    if (readdirSync(directory).length === 0) await run("umount", [directory]);
  } catch (error) {
    say(`${node} keeps its file system: ${(error as Error).message.trim()}`);
  }
}
