/**
 * Paths and owners of the files of a host's guests, all under the host's state directory:
 *
 *   images/<sha256>                 cached images, read-only, for the guests that use them (images/cache.ts)
 *   guard/                          the files of its guard (guard-files.ts)
 *   machines/<instanceId>.json      what the agent remembers of a machine
 *   guests/<instanceId>/            the hypervisor's working directory: all its paths are relative to it, so
 *                                   that a long one does not matter (a socket's path has 107 bytes)
 *     disk.qcow2  console.log       written by the guest's own user; the directory itself is not, so that
 *                                   they cannot be swapped
 *     ephemeral.raw  swap.raw       likewise, beside the disk wherever that is (local-disks.ts)
 *     config.iso                    written by the agent before each start, for the guest's own user
 *     process.json  process.log     written by the agent: who the process is, and its standard error
 *     copy.part  copy-<imageId>.*   copies of the disk on their way to an image (copies/copies.ts)
 *     epoch                         the owner epoch of a disk on shared storage (shared-storage/storage.ts)
 *     run/                          sockets and pid file, made by the process
 *
 * A guest's process must never be able to replace a file that the agent (perhaps root) opens by name.
 */
import { chmodSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { chmod, chown, lstat, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { deploymentOf } from "../../protocol/wire/ids.ts";
import { isToken } from "../../protocol/wire/subjects.ts";
import { isMissing } from "./durable-file.ts";
import type { GuestUser } from "./guest-user.ts";

export const guestFiles = {
  disk: "disk.qcow2",
  ephemeral: "ephemeral.raw",
  swap: "swap.raw",
  configDrive: "config.iso",
  console: "console.log",
  process: "process.json",
  processLog: "process.log",
  epoch: "epoch",
  /** A copy of the disk that is being made, for an image (copies/copies.ts). */
  copy: "copy.part",
  runtime: "run",
  pid: "run/pid",
  qmp: "run/qmp",
  /** A second monitor for people: the first one takes only one client, the agent. */
  qmpDebug: "run/qmp-debug",
  consoleSocket: "run/console",
  /** What the guest's own agent says, which is hostile until proved otherwise. */
  agent: "run/agent",
} as const;

export interface StateDirectories {
  readonly root: string;
  readonly guests: string;
  readonly images: string;
  readonly machines: string;
}

/**
 * Makes the missing directories. Synchronous: it happens once, before anything else can.
 * @throws Error when the guests' users could not reach them
 */
export function makeStateDirectories(stateDirectory: string): StateDirectories {
  const root = makeOpenDirectories(stateDirectory, ["guests", "images"]);
  const machines = join(root, "machines");
  mkdirSync(machines, { recursive: true, mode: 0o700 });
  return { root, guests: join(root, "guests"), images: join(root, "images"), machines };
}

/**
 * Makes a directory, and directories in it, that the guests' users may pass through, but not list. Answers
 * its real path. @throws Error when the guests' users could not reach it
 */
export function makeOpenDirectories(directory: string, names: readonly string[]): string {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const root = realpathSync(directory);
  const mode = statSync(root).mode & 0o777;
  if (process.getuid?.() === 0 && (mode & 0o011) !== 0o011) chmodSync(root, mode | 0o011);
  if (process.getuid?.() === 0) refuseClosed(root, root);
  for (const name of names) makePassable(join(root, name));
  return root;
}

/** Also where it is there already, with another mode; of another owner it stays as it is. */
function makePassable(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  const { mode, uid } = statSync(directory);
  if ((mode & 0o777) !== 0o711 && uid === process.getuid?.()) chmodSync(directory, 0o711);
}

/**
 * Refuses a path that others may not pass through: QEMU resolves the path of its pid file from the root on,
 * as the guest's user.
 */
function refuseClosed(directory: string, wanted: string): void {
  if ((statSync(directory).mode & 0o001) === 0) {
    throw new Error(
      `Guests run as users of their own and cannot reach ${wanted}: ${directory} is closed to them.`,
    );
  }
  if (directory !== "/") refuseClosed(dirname(directory), wanted);
}

/** True for the name of a cached image. */
const namesImage = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

/** True for what can be the name of a guest's directory: an id, as only we make them. */
export const namesGuest = (name: string): boolean => deploymentOf(name) !== undefined;

/** Path of a verified image on this host. */
export function cachedImage(directories: Pick<StateDirectories, "images">, sha256: string): string {
  if (!namesImage(sha256)) throw new Error("A checksum that is none cannot name a file.");
  return join(directories.images, sha256);
}

/** The guest's directory. @throws Error when the id is not one: it would lead out of the directory. */
export function guestDirectory(directories: StateDirectories, instanceId: string): string {
  if (!isToken(instanceId)) throw new Error("An instance id that is no token cannot name a directory.");
  return join(directories.guests, instanceId);
}

/** Makes the guest's directory, or corrects its owner and mode. */
export async function makeGuestDirectory(directory: string, user: GuestUser | undefined): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const runtime = join(directory, guestFiles.runtime);
  await mkdir(runtime, { recursive: true, mode: 0o700 });
  if (user === undefined) return;
  await chown(runtime, user.uid, user.gid);
  await chmod(directory, 0o711);
}

/** True when a file of any kind has this name. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
