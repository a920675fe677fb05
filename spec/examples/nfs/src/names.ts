/** Names of directories and files on the server, and their groups; see directory.ts. Pure. */
import { createHash } from "node:crypto";
import { refused } from "./refusals.ts";

/** `whole`: a volume; `part`: one that is being made; `removed`: one that is being removed. */
export interface FoundVolume {
  readonly name: string;
  readonly kind: "whole" | "part" | "removed";
  readonly volumeId: string;
  readonly epoch: number;
}

export const dataFile = "data.raw";

const token = "[A-Za-z0-9_-]{1,64}";
const volumeName = new RegExp(`^(${token})\\.([er])([0-9]{1,15})(\\.[0-9a-f]{32}\\.part)?$`);
const openName = new RegExp(`^open\\.([0-9]{1,15})\\.(${token})\\.([0-9]{1,15})\\.(${token})$`);

/** What a name says; undefined for names that are not ours. */
export function volumeIn(name: string): FoundVolume | undefined {
  const [, volumeId, letter, epoch, part] = volumeName.exec(name) ?? [];
  if (volumeId === undefined || (part !== undefined && letter === "r")) return undefined;
  const kind = part === undefined ? (letter === "e" ? "whole" : "removed") : "part";
  return { name, kind, volumeId, epoch: Number(epoch) };
}

/** @throws hypervisorRefused for an id that is none: it would lead out of the directory */
export function nameOf(volumeId: string, epoch: number, kind: "whole" | "removed" = "whole"): string {
  const name = `${volumeId}.${kind === "whole" ? "e" : "r"}${epoch}`;
  if (volumeIn(name)?.volumeId === volumeId) return name;
  throw refused("A volume of this id or epoch cannot have a name on the server.");
}

/** `unique`: 16 hexadecimal digits. */
export const partOf = (volumeId: string, epoch: number, hostId: string, unique: string): string =>
  `${nameOf(volumeId, epoch)}.${markOf(hostId)}${unique}.part`;

/** Whether the part is one that the host has begun, in whatever life of its agent. */
export const isOfHost = (part: string, hostId: string): boolean => part.includes(`.${markOf(hostId)}`);

export const markOf = (hostId: string): string =>
  createHash("sha256").update(hostId).digest("hex").slice(0, 16);

/** For whom a volume is open: the name of an empty file beside its data. */
export interface Opened {
  /** The volume's: what was noted for an earlier one does not count any more. */
  readonly epoch: number;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly hostId: string;
}

export function openedIn(name: string): Opened | undefined {
  const [, epoch, instanceId, ownerEpoch, hostId] = openName.exec(name) ?? [];
  if (instanceId === undefined || hostId === undefined) return undefined;
  return { epoch: Number(epoch), instanceId, ownerEpoch: Number(ownerEpoch), hostId };
}

/** @throws hypervisorRefused for ids that cannot be in a name */
export function openedName({ epoch, instanceId, ownerEpoch, hostId }: Opened): string {
  const name = `open.${epoch}.${instanceId}.${ownerEpoch}.${hostId}`;
  if (openedIn(name) !== undefined) return name;
  throw refused("A volume cannot be noted as open for an instance or host of this id.");
}

export const whatOf = (volumeId: string, epoch: number): string => `volume ${volumeId} of epoch ${epoch}`;

/** AUTH_SYS has 32 bits for a group, and some file systems keep the upper half for themselves. */
const groupMax = 2 ** 31 - 1;

/**
 * The group of the volume's writer: each epoch has another one, so that a file that is given to the next
 * epoch is not the earlier writer's any more. @throws hypervisorRefused when there is none left
 */
export function groupOf(firstGroup: number, epoch: number): number {
  const group = firstGroup + epoch;
  if (group <= groupMax) return group;
  throw refused("The volume has had more epochs than there are groups for.");
}
