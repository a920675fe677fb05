/** Names of directories on a storage of volumes, and their order; see directory.ts. Pure. */
import { createHash } from "node:crypto";
import type { KeptVolume } from "../../../actors/ports/volumes.ts";
import { isToken } from "../../../protocol/wire/subjects.ts";

/** `whole`: a volume; `part`: one that is being made; `removed`: one that is being removed. */
/** The bytes of a volume, in its directory. */
export const dataFile = "data.raw";

export type NameKind = "whole" | "part" | "removed";

export interface FoundVolume {
  /** The path of its directory among the volumes. */
  readonly name: string;
  readonly kind: NameKind;
  readonly volumeId: string;
  readonly epoch: number;
}

const pattern = /^([er])([0-9]{1,15})(\.[0-9a-f]{1,32}\.part)?$/;

/** What a name in the directory of a volume says; undefined for names that are not ours. */
export function volumeIn(volumeId: string, entry: string): FoundVolume | undefined {
  const [, letter, epoch, part] = pattern.exec(entry) ?? [];
  if (letter === undefined || (part !== undefined && letter === "r")) return undefined;
  const kind = part === undefined ? (letter === "e" ? "whole" : "removed") : "part";
  return { name: `${volumeId}/${entry}`, kind, volumeId, epoch: Number(epoch) };
}

/** @throws Error for an id that is none: it would lead out of the directory */
export function homeOf(volumeId: string): string {
  if (!isToken(volumeId)) throw new Error("A volume id that is no token cannot name a directory.");
  return volumeId;
}

/** @throws Error as `homeOf` */
export function nameOf(volumeId: string, epoch: number, kind: "whole" | "removed" = "whole"): string {
  if (!Number.isSafeInteger(epoch) || epoch < 0) throw new Error("An epoch is a whole number.");
  return `${homeOf(volumeId)}/${kind === "whole" ? "e" : "r"}${epoch}`;
}

/** `unique`: 16 hexadecimal digits, which no other part of the host's has. */
export const partOf = (
  volumeId: string,
  epoch: number,
  { hostId, unique }: { readonly hostId: string; readonly unique: string },
): string => `${nameOf(volumeId, epoch)}.${markOf(hostId)}${unique}.part`;

/** Whether the part is one that the host has begun, in whatever life of its agent. */
export const isOfHost = (part: string, hostId: string): boolean =>
  new RegExp(`\\.${markOf(hostId)}[0-9a-f]{16}\\.part$`).test(part);

/** Hosts of one mark would remove each other's parts: the copies would be made again. */
const markOf = (hostId: string): string => createHash("sha256").update(hostId).digest("hex").slice(0, 16);

/** For whom a volume is open: the name of an empty file beside its data, so that a full disk can take it. */
export interface Opened {
  /** The volume's: what was noted for an earlier one does not count any more. */
  readonly epoch: number;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly hostId: string;
}

export function openedIn(name: string): Opened | undefined {
  const [, epoch, instanceId, ownerEpoch, hostId] =
    /^open\.([0-9]{1,15})\.([^.]+)\.([0-9]{1,15})\.([^.]+)$/.exec(name) ?? [];
  if (instanceId === undefined || hostId === undefined) return undefined;
  return { epoch: Number(epoch), instanceId, ownerEpoch: Number(ownerEpoch), hostId };
}

export function openedName({ epoch, instanceId, ownerEpoch, hostId }: Opened): string {
  if (!isToken(instanceId) || !isToken(hostId)) throw new Error("An id that is no token cannot name a file.");
  return `open.${epoch}.${instanceId}.${ownerEpoch}.${hostId}`;
}

/** What a host has open, with its volume: the name of an empty file in the directory of the host. */
export interface OpenedVolume extends Opened {
  readonly volumeId: string;
}

export function hostEntry({ volumeId, epoch, instanceId, ownerEpoch }: OpenedVolume): string {
  if (!isToken(instanceId)) throw new Error("An id that is no token cannot name a file.");
  return `${homeOf(volumeId)}.${epoch}.${instanceId}.${ownerEpoch}`;
}

export function hostEntryIn(hostId: string, name: string): OpenedVolume | undefined {
  const [, volumeId = "", epoch, instanceId, ownerEpoch] =
    /^([^.]+)\.([0-9]{1,15})\.([^.]+)\.([0-9]{1,15})$/.exec(name) ?? [];
  if (instanceId === undefined || !isToken(volumeId) || !isToken(instanceId)) return undefined;
  return { volumeId, epoch: Number(epoch), instanceId, ownerEpoch: Number(ownerEpoch), hostId };
}

export const whatOf = (volumeId: string, epoch: number): string => `volume ${volumeId} of epoch ${epoch}`;

/** By ids and epochs; what is half removed or half made comes after what is whole. */
export function inOrder(one: KeptVolume, other: KeptVolume): number {
  if (one.volumeId !== other.volumeId) return one.volumeId < other.volumeId ? -1 : 1;
  return one.epoch - other.epoch || Number(other.whole) - Number(one.whole);
}
