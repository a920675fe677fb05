/**
 * Paths of the files of a host's containers, all under `containers/` in the host's state directory. All of
 * them are the agent's own: a container reaches nothing but its mounted root.
 *
 *   <instanceId>/root.ext4       its root file system; in use it is mounted on root/, in the shim's own mount
 *                                namespace, so that the mount ends with the shim
 *   <instanceId>/epoch  uids     the owner epoch, and the first of its user ids
 *   <instanceId>/bundle/         config.json for the OCI runtime
 *   <instanceId>/runtime/        the runtime's own state
 *   <instanceId>/launch.json     what the shim is to run
 *   <instanceId>/shim.json       written by the shim: who it is, and what its container does
 *   <instanceId>/console.<n>     the console's log from its byte n on
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

export const guestFiles = {
  disk: "root.ext4",
  partialDisk: "root.ext4.part",
  partialImage: "image.part",
  kernel: "kernel",
  ramdisk: "ramdisk",
  root: "root",
  epoch: "epoch",
  uids: "uids",
  bundle: "bundle",
  config: "bundle/config.json",
  extractor: "extractor",
  runtime: "runtime",
  runtimeLog: "runtime.log",
  initPid: "init.pid",
  pipes: "pipes",
  launch: "launch.json",
  shim: "shim.json",
  shimLog: "shim.log",
  console: "console.",
} as const;

/** @throws Error when the id is none: it would lead out of the directory */
export function guestDirectory(containers: string, instanceId: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(instanceId))
    throw new Error("An instance id of other characters cannot name a directory.");
  return join(containers, instanceId);
}

/** Makes the directory of all containers; users of containers may pass through it, and list nothing. */
export async function makeContainers(containers: string): Promise<void> {
  await mkdir(containers, { recursive: true, mode: 0o711 });
}

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
