/**
 * How the shim of a container is started: in a mount namespace of its own, with the root file system mounted
 * there, so that the mount ends with the shim and its container, whatever ends them. In this file: the order
 * that the shim reads, and its start.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guestFiles } from "./guest-files.ts";

export interface LaunchOrder {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly runtime: string;
  /** Parent and name of the container's cgroup. */
  readonly cgroup: { readonly parent: string; readonly name: string };
  readonly memoryMib: number;
  readonly processesMax: number;
  readonly powerSignal: number;
}

/** Sources run as they are; what was built has another ending. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./shim.ts" : "./shim.js", import.meta.url),
);

/**
 * The runtime takes a hybrid of cgroups for an error when version 2 has any controller, though it is told to
 * leave cgroups alone: so that hierarchy is hidden from it, which changes nothing outside.
 */
export const hideUnified = "if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi";

const script = `set -e
mount -t ext4 -o loop,nosuid,nodev,noatime,errors=remount-ro "$1" "$2"
shift 2
exec "$@"`;

/** Variables of the agent's environment may be secrets: a shim gets two of them. */
const environment = () => {
  const { PATH = "", NODE_COMPILE_CACHE } = process.env;
  return { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
};

/** Outlives its caller. Answers its process id; undefined: it could not be started. */
export function launchShim(directory: string): number | undefined {
  const log = openSync(join(directory, guestFiles.shimLog), "w", 0o600);
  try {
    const places = [guestFiles.disk, guestFiles.root].map((name) => join(directory, name));
    const node = [process.execPath, "--max-old-space-size=32", "--max-semi-space-size=1"];
    const shim = spawn(
      "unshare",
      ["--mount", "--propagation", "private", "--", "/bin/sh", "-c", script, "sh"].concat(places, [
        ...node,
        program,
        directory,
      ]),
      { cwd: "/", detached: true, stdio: ["ignore", log, log], env: environment() },
    );
    // A start that failed is seen by its missing record.
    shim.on("error", () => undefined);
    shim.unref();
    return shim.pid;
  } finally {
    closeSync(log);
  }
}
