/**
 * The unix users of guests. The guard's process uses this file as well, so it must import nothing large.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

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
/** The user of all guests in a user namespace that is too small for one each. */
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

/** True for the uid of a single guest. */
export const isOfOneGuest = (uid: number): boolean =>
  uid >= guestUidFirst && uid < guestUidFirst + guestUidCount;

/** True for a user that several guests share. */
export const isShared = (user: GuestUser): boolean => user.uid === nobody.uid;

/**
 * The group whose members may read an image file, made of its checksum; undefined: there is none, because
 * guests have no users of their own. Its numbers are in the range of the guests' users: that a guest's own
 * group is the one of an image happens once in 2^28 pairs, and lets that guest read that image.
 */
export function imageGroup(sha256: string, uidMap = readUidMap()): number | undefined {
  const user = guestUser(sha256, uidMap);
  return user === undefined || isShared(user) ? undefined : user.gid;
}
