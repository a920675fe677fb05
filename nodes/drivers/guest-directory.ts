/**
 * Paths and owners of the files of a host's guests, all under the host's state directory:
 *
 *   images/<sha256>                 cached images, read-only
 *   guard/                          the files of its guard (guard-files.ts)
 *   machines/<instanceId>.json      what the agent remembers of a machine
 *   guests/<instanceId>/            the hypervisor's working directory: all its paths are relative to it, so
 *                                   that a long one does not matter (a socket's path has 107 bytes)
 *     disk.qcow2  console.log       written by the guest's own user; the directory itself is not, so that
 *                                   they cannot be swapped
 *     process.json  process.log     written by the agent: who the process is, and its standard error
 *     epoch                         the owner epoch of a disk on shared storage (shared-storage/storage.ts)
 *     run/                          sockets and pid file, made by the process
 *
 * A guest's process must never be able to replace a file that the agent (perhaps root) opens by name.
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { chmod, chown, lstat, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isToken } from "../../protocol/wire/subjects.ts";
import { isMissing } from "./durable-file.ts";

export const guestFiles = {
  disk: "disk.qcow2",
  console: "console.log",
  process: "process.json",
  processLog: "process.log",
  epoch: "epoch",
  runtime: "run",
  pid: "run/pid",
  qmp: "run/qmp",
  /** A second monitor for people: the first one takes only one client, the agent. */
  qmpDebug: "run/qmp-debug",
  consoleSocket: "run/console",
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
  for (const name of names) mkdirSync(join(root, name), { recursive: true, mode: 0o711 });
  return root;
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

/** Path of a verified image on this host. */
export function cachedImage(directories: Pick<StateDirectories, "images">, sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error("A checksum that is none cannot name a file.");
  return join(directories.images, sha256);
}

/** The guest's directory. @throws Error when the id is not one: it would lead out of the directory. */
export function guestDirectory(directories: StateDirectories, instanceId: string): string {
  if (!isToken(instanceId)) throw new Error("An instance id that is no token cannot name a directory.");
  return join(directories.guests, instanceId);
}

/**
 * The user that a guest's process runs as; undefined: the agent's own user, because the agent may not change
 * it.
 */
export interface GuestUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * First uid of the guests: above every range that distributions and containers hand out, below 2^31. Source:
 * systemd's "Users, Groups, UIDs and GIDs".
 */
const guestUidFirst = 0x7000_0000;
const guestUidCount = 0x0fff_ff00;
const nobody: GuestUser = { uid: 65_534, gid: 65_534 };

/**
 * The user of a guest, made of its id: every guest has its own, so that a guest that breaks out of its
 * hypervisor cannot read the others' files. In a user namespace without those numbers, all guests share
 * `nobody`.
 */
export function guestUser(instanceId: string, uidMap = readUidMap()): GuestUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  if (!mapsUid(uidMap, guestUidFirst + guestUidCount)) return nobody;
  const uid =
    guestUidFirst + (createHash("sha256").update(instanceId).digest().readUInt32BE(0) % guestUidCount);
  return { uid, gid: uid };
}

const readUidMap = (): string => readFileSync("/proc/self/uid_map", "latin1");

/** True when the last uid of the range exists in this user namespace, in one mapping with the first. */
export function mapsUid(uidMap: string, last: number): boolean {
  return uidMap.split("\n").some((line) => {
    const [inside = Number.NaN, , count = 0] = line.trim().split(/\s+/).map(Number);
    return inside <= guestUidFirst && inside + count > last;
  });
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
