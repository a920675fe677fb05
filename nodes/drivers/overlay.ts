/**
 * A guest's root disk: a qcow2 overlay on a cached image, made once. This file must never touch an existing
 * overlay, which holds a guest's data.
 */
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { syncDirectory, temporaryName } from "./durable-file.ts";
import { exists, guestFiles } from "./guest-directory.ts";
import { type GuestUser, guestUser } from "./guest-user.ts";
import { driverLimits } from "./limits.ts";
import { runTool } from "./tool.ts";

const gib = 1024 ** 3;

export const hasRootDisk = (spec: MachineSpec): boolean => spec.image.disk !== null || spec.diskGib > 0;

/**
 * Refuses a disk smaller than its image. @throws INTERNAL hypervisorRefused: the scheduler should have
 * refused it before
 */
export function refuseTooSmall(spec: MachineSpec): void {
  const { disk } = spec.image;
  if (disk === null || spec.diskGib === 0 || spec.diskGib * gib >= disk.virtualSizeBytes) return;
  const message = `The root disk of instance ${spec.instanceId} would be smaller than its image.`;
  throw new StatusError("hypervisorRefused", message);
}

/**
 * The path of the disk in an existing directory, two levels below the directory that has the cached images as
 * `images`; the disk is made when it is missing. One machine actor at a time works on a guest's disk.
 * @throws StatusError diskFull, guestFailed; AbortError
 */
export async function ensureOverlay(
  spec: MachineSpec,
  directory: string,
  signal: AbortSignal,
): Promise<string> {
  const path = join(directory, guestFiles.disk);
  if (await exists(path)) return path;
  await removeLeftovers(directory);
  const temporary = temporaryName(path);
  try {
    await createOverlay(spec, { directory, file: temporary, signal });
    await giveToGuest(temporary, guestUser(spec.instanceId));
    await rename(temporary, path);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return path;
}

/**
 * Gives a disk to the guest's user and syncs it before it gets its name: after a power loss there is a whole
 * one or none.
 */
export async function giveToGuest(path: string, user: GuestUser | undefined): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.chmod(0o600);
    if (user !== undefined) await file.chown(user.uid, user.gid);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Makes the overlay. Its base is named relative to the overlay, because the guest's user may not see the
 * directories above.
 */
async function createOverlay(
  spec: MachineSpec,
  options: { readonly directory: string; readonly file: string; readonly signal: AbortSignal },
): Promise<void> {
  const { disk } = spec.image;
  const size = spec.diskGib === 0 ? (disk?.virtualSizeBytes ?? 0) : spec.diskGib * gib;
  const backing = disk === null ? [] : ["-b", `../../images/${disk.sha256}`, "-F", disk.format];
  const argv = ["create", "-q", "-f", "qcow2", ...backing, options.file, String(size)];
  const { directory: cwd, signal } = options;
  const result = await runTool("qemu-img", argv, { cwd, signal, timeoutMs: driverLimits.diskToolTimeoutMs });
  if (result.exitCode === 0) return;
  const full = /No space left on device|Disk quota exceeded/.test(result.errors);
  const message = full
    ? `The disk of instance ${spec.instanceId} could not be made: no space is left on the host.`
    : `The disk of instance ${spec.instanceId} could not be made.`;
  throw new StatusError(full ? "diskFull" : "guestFailed", message, { detail: result.errors });
}

/** Removes the files of agents that died while they made the disk. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(`${guestFiles.disk}.`)) await rm(join(directory, name), { force: true });
  }
}
