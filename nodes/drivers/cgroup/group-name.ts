/**
 * The name of a guest's cgroup tells whose it is, and whether another host may take the guest over: the guard
 * knows its guests by listing a directory of the kernel's, and reads no file for it that could be missing.
 * The guard's process uses this file, so it must import nothing large.
 */
import { createHash } from "node:crypto";
import { type GuestTag, guestName, parseGuestName } from "../qemu/guest-tag.ts";

const prefix = "novact.";

/**
 * The host's part of that: its id, and a few digits of its state directory, since no two hosts of a computer
 * may ever share a cgroup: the guard of one would stop the guests of the other.
 */
export const hostOfGroups = (hostId: string, stateDirectory: string): string =>
  `${hostId}-${digitsOf(stateDirectory)}`;

const digitsOf = (stateDirectory: string): string =>
  createHash("sha256").update(stateDirectory).digest("hex").slice(0, 8);

/** The directory of a host's guests, in each hierarchy. */
export const hostGroupName = (hostName: string): string => `${prefix}${hostName}`;

/** Whether a cgroup of this name is that of the host with this state directory, whatever the host's id is. */
export const isHostGroup = (name: string, stateDirectory: string): boolean =>
  name.startsWith(prefix) && name.endsWith(`-${digitsOf(stateDirectory)}`);

/** The name of one guest's cgroup, below its host's. */
export const groupName = (tag: GuestTag): string => guestName(tag).slice(prefix.length);

/** The tag in a name made by {@link groupName}; undefined when the name is another. */
export const parseGroupName = (name: string): GuestTag | undefined => parseGuestName(`${prefix}${name}`);
