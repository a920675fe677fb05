/**
 * The bytes that are really left where a host makes disks, as the host told this controller, less what was
 * placed there since: claims count what guests may write some day, and a file system may be full of other
 * things. What a host told a while ago is not believed any more: another controller may have heard since. It
 * judges nothing that is there already, and so never a recovery. Pure.
 */
import type { Space } from "../../../protocol/space.ts";
import { schedulerLimits } from "./limits.ts";
import type { Stored } from "./messages.ts";

/** What a host told of the file system of its disks, and what was claimed there at that time. */
export interface ToldRoom {
  readonly space: Space;
  /** Monotonic. */
  readonly saidAtMs: number;
  /** Disk in GiB that was claimed at `markAtMs`. */
  readonly markGib: number;
  readonly markAtMs: number;
  /**
   * Disk in GiB that was claimed a settling time or more before the measurement: what was claimed since may
   * not have been written when it was made.
   */
  readonly seenGib: number;
}

/** The part of a host's view that is about disks. */
interface DiskView {
  readonly claimed: { readonly diskGib: number };
  readonly storageId: string | null;
  readonly room: ToldRoom | undefined;
}

export function withToldRoom(view: DiskView, space: Space, atMs: number): ToldRoom {
  const before = view.room;
  const claimedGib = view.claimed.diskGib;
  const mark = { markGib: claimedGib, markAtMs: atMs };
  if (before === undefined || isOld(before, atMs))
    return { space, saidAtMs: atMs, ...mark, seenGib: claimedGib };
  // A disk that was given back makes room that the next measurement shows.
  const seenGib = Math.min(before.seenGib, claimedGib);
  if (atMs - before.markAtMs < schedulerLimits.roomSettlesMs)
    return { ...before, space, saidAtMs: atMs, seenGib };
  return { space, saidAtMs: atMs, ...mark, seenGib: Math.min(before.markGib, claimedGib) };
}

const isOld = ({ saidAtMs }: ToldRoom, atMs: number): boolean =>
  atMs - saidAtMs > schedulerLimits.fullBelievedMs;

export interface RoomLeft {
  readonly space: Space;
  /** What disks that were placed a moment ago are taken to write. */
  readonly placedMib: number;
  readonly leftMib: number;
}

/** Undefined: the host has told nothing that is to be believed, and the claims alone decide. */
export function roomLeft(view: DiskView, stored: Stored, atMs: number): RoomLeft | undefined {
  const { room, claimed, storageId } = view;
  if (room === undefined || isOld(room, atMs)) return undefined;
  const supposedGib = storageId === null ? 0 : (stored.get(storageId) ?? 0);
  const placedGib = Math.max(0, claimed.diskGib - room.seenGib) + supposedGib;
  const placedMib = Math.ceil(placedGib * 1024 * schedulerLimits.newDiskWrittenShare);
  return { space: room.space, placedMib, leftMib: Math.max(0, room.space.freeMib - placedMib) };
}
