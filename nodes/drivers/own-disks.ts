/**
 * The disks that lie in one directory for a guest: its root disk, its ephemeral disk and its swap disk. They
 * are made together, go together, and are taken over together, by the name of their directory.
 */
import { join } from "node:path";
import type { GuestPaths } from "../../actors/ports/hypervisor.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { guestFiles } from "./guest-directory.ts";
import { ensureLocalDisks, localDisksOf } from "./local-disks.ts";
import { ensureOverlay, hasRootDisk } from "./overlay.ts";

/** Names of the disks' files. */
export const diskFiles = [guestFiles.disk, guestFiles.ephemeral, guestFiles.swap] as const;

/** Whether the guest has any disk that is none of its volumes. */
export const hasDisk = (spec: MachineSpec): boolean => hasRootDisk(spec) || localDisksOf(spec).length > 0;

/**
 * The file that is made first of a guest that has a disk: a directory without it is no disk of that guest's.
 */
export const firstDisk = (spec: MachineSpec): string =>
  hasRootDisk(spec) ? guestFiles.disk : (localDisksOf(spec)[0]?.file ?? guestFiles.disk);

/**
 * Makes those that are missing in an existing directory, and answers where they are. @throws as
 * ensureOverlay and ensureLocalDisks
 */
export async function ensureOwnDisks(
  spec: MachineSpec,
  directory: string,
  signal: AbortSignal,
): Promise<Pick<GuestPaths, "disk" | "ephemeral" | "swap">> {
  if (hasRootDisk(spec)) await ensureOverlay(spec, directory, signal);
  await ensureLocalDisks(spec, directory, signal);
  const local = new Set(localDisksOf(spec).map(({ file }) => file));
  const path = (file: string, isThere: boolean) => (isThere ? join(directory, file) : undefined);
  return {
    disk: path(guestFiles.disk, hasRootDisk(spec)),
    ephemeral: path(guestFiles.ephemeral, local.has(guestFiles.ephemeral)),
    swap: path(guestFiles.swap, local.has(guestFiles.swap)),
  };
}
