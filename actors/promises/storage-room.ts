/**
 * I3 of storages that hosts share: no disk is placed on one beyond what the largest of its hosts says, a disk
 * is counted once wherever its instance goes, and from its placement until nothing is left of it. The sums
 * are kept here, from the rows of instances; whether the store's own sums agree is judged when all is quiet.
 */

import { storagesToldBy } from "../../protocol/host-drivers.ts";
import type { Commit } from "../records/commit.ts";
import type { Quiet } from "./facts.ts";
import { volumeRoom } from "./volume-room.ts";

interface Disk {
  readonly storageId: string;
  readonly diskGib: number;
}

export interface StorageRoom {
  brokenBy(commit: Commit): readonly string[];
  still(fact: Quiet): readonly string[];
}

export function storageRoom(): StorageRoom {
  const disks = new Map<string, Disk>();
  const sums = new Map<string, number>();
  const offered = new Map<string, ReturnType<typeof storagesToldBy>>();
  const add = ({ storageId, diskGib }: Disk, sign: 1 | -1) =>
    sums.set(storageId, (sums.get(storageId) ?? 0) + sign * diskGib);
  const sumOf = (id: string): number => (sums.get(id) ?? 0) + volumes.on("storageId", id);
  const sizeOf = (id: string): number =>
    Math.max(0, ...[...offered.values()].flat().flatMap((one) => (one.id === id ? [one.gib] : [])));

  const volumes = volumeRoom();

  /** Answers the storage of which the row takes room that it did not have before. */
  function written({ row }: NonNullable<Commit["instances"]>[number]): string | undefined {
    const before = disks.get(row.id);
    if (before?.storageId === (row.storageId ?? undefined)) return undefined;
    if (before !== undefined) add(before, -1);
    disks.delete(row.id);
    if (row.storageId === null) return undefined;
    const disk = { storageId: row.storageId, diskGib: row.flavor.diskGib };
    disks.set(row.id, disk);
    add(disk, 1);
    return disk.diskGib > 0 ? disk.storageId : undefined;
  }

  return {
    brokenBy(commit) {
      const taken = new Set((commit.instances ?? []).flatMap((one) => written(one) ?? []));
      for (const id of volumes.apply(commit).storages) taken.add(id);
      const faults = [...taken].flatMap((id) => overfull(id, sumOf(id), sizeOf(id)));
      for (const host of commit.hosts ?? []) offered.set(host.hostId, storagesToldBy(host));
      for (const { hostId } of commit.hostsRemoved ?? []) offered.delete(hostId);
      return faults;
    },
    still: ({ storages = [] }) =>
      storages.flatMap(({ storageId, diskGibClaimed }) => {
        const sum = sumOf(storageId);
        return sum === diskGibClaimed
          ? []
          : [`Storage ${storageId} counts ${diskGibClaimed} GiB, but the disks on it are ${sum} GiB.`];
      }),
  };
}

const overfull = (id: string, sum: number, size: number): readonly string[] =>
  sum <= size ? [] : [`Storage ${id} is overfull: ${sum} of ${size} GiB are claimed.`];
