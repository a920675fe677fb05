/**
 * The config drive of a guest: a file in the guest's directory, made anew before each start. A guest that
 * runs keeps the file of its start, for the new one comes under the same name in one piece. No byte of a
 * drive is worth a sync: what a power loss leaves is made anew before its use.
 */
import { chown, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { documentsOf } from "../../../actors/node/guest-data/documents.ts";
import { toldPorts } from "../../../actors/node/guest-data/told-ports.ts";
import type { GuestNetworks } from "../../../actors/ports/disks.ts";
import type { MachineSpec } from "../../../protocol/machine.ts";
import type { NetworkPicture } from "../../../protocol/networking.ts";
import { temporaryName } from "../durable-file.ts";
import { guestFiles } from "../guest-directory.ts";
import { guestUser } from "../guest-user.ts";
import { isoImage } from "./iso9660.ts";

/** OpenStack's: the name by which guests find the drive. NoCloud's documents are there as well. */
const label = "config-2";
/** The files' time, always the same: the same facts make the same drive. */
const atMs = Date.UTC(2020, 0, 1);

/**
 * The bytes of a guest's drive; `networks`: pictures of those that its ports are on. @throws Error beyond the
 * limits, which the limits of requests keep
 */
export function configDriveOf(
  { instanceId, project, name, guest, interfaces = [] }: MachineSpec,
  networks: readonly NetworkPicture[],
): Buffer | undefined {
  if (guest?.configDrive !== true) return undefined;
  const portIds = interfaces.map(({ portId }) => portId);
  const told = { instanceId, project, name, data: guest, ports: toldPorts(portIds, networks) };
  return isoImage(documentsOf(told), { label, atMs });
}

/** The path of the drive in the guest's directory, which exists; undefined: the guest has none. */
export async function ensureConfigDrive(
  spec: MachineSpec,
  directory: string,
  networks: GuestNetworks = async () => [],
): Promise<string | undefined> {
  await removeLeftovers(directory);
  const isNetworked = spec.guest?.configDrive === true && (spec.interfaces ?? []).length > 0;
  const drive = configDriveOf(spec, isNetworked ? await networks() : []);
  const path = join(directory, guestFiles.configDrive);
  if (drive === undefined) {
    await rm(path, { force: true });
    return undefined;
  }
  const temporary = temporaryName(path);
  try {
    await writeFile(temporary, drive, { flag: "wx", mode: 0o600 });
    const user = guestUser(spec.instanceId);
    if (user !== undefined) await chown(temporary, user.uid, user.gid);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return path;
}

/** Removes the files of agents that died while they made the drive. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory))
    if (name.startsWith(`${guestFiles.configDrive}.`)) await rm(join(directory, name), { force: true });
}
