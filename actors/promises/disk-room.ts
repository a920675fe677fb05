/**
 * I3 of bytes: a controller places no new disk on a host that has told it again and again that less is free
 * than is kept. What a controller has just heard may come too late for a choice that it has made, and what
 * broke in it may have forgotten the host: only a host that it has heard say so for long is judged. A disk
 * that is there may go on anywhere, so nothing is said of recoveries.
 */
import { newDiskFloorBytes } from "../../protocol/space.ts";
import type { Commit } from "../records/commit.ts";
import type { Committed } from "./facts.ts";
import type { RoomForgotten, RoomHeard } from "./room-heard.ts";

/** Longer than a choice and its commit take, whatever is late. */
const lowSinceMs = 60_000;
/** A host that was not heard for so long may be believed no more (schedulerLimits.fullBelievedMs). */
const gapMsMax = 20_000;

/** Since when a host has told a controller without a gap that it has too little. */
interface Low {
  readonly sinceMs: number;
  readonly lastMs: number;
}

export interface DiskRoom {
  hear(fact: RoomHeard | RoomForgotten): void;
  brokenBy(fact: Committed): readonly string[];
}

export function diskRoom(): DiskRoom {
  /** By controller and host. */
  const low = new Map<string, Map<string, Low>>();
  /** Storage of each instance's disk: the id of one that hosts share, else the host. */
  const places = new Map<string, Set<string>>();

  function hear({ atMs, by, hostId, freeBytes, totalBytes }: RoomHeard): void {
    const known = low.get(by) ?? new Map<string, Low>();
    low.set(by, known);
    const before = known.get(hostId);
    const isLow = freeBytes < newDiskFloorBytes({ totalBytes });
    if (!isLow) known.delete(hostId);
    else if (before === undefined || atMs - before.lastMs > gapMsMax)
      known.set(hostId, { sinceMs: atMs, lastMs: atMs });
    else known.set(hostId, { ...before, lastMs: atMs });
  }

  /** Hosts that get a disk of an instance which had none in that place. */
  function newDisksOf(commit: Commit): readonly (readonly [hostId: string, instanceId: string])[] {
    const found: (readonly [string, string])[] = [];
    const isNew = (instanceId: string, place: string): boolean => {
      const known = places.get(instanceId) ?? new Set();
      places.set(instanceId, known);
      const before = known.size;
      return known.add(place).size > before;
    };
    for (const { row } of commit.instances ?? []) {
      const { id, hostId, storageId, flavor } = row;
      const places = storageId !== null && flavor.diskGib > 0 && isNew(id, storageId);
      if (places && hostId !== null) found.push([hostId, id]);
    }
    // A claim on a host has no disk where the instance's disk is on a storage that hosts share.
    for (const { hostId, instanceId, diskGib } of commit.claims ?? [])
      if (diskGib > 0 && isNew(instanceId, hostId)) found.push([hostId, instanceId]);
    return found;
  }

  return {
    hear(fact) {
      if (fact.kind === "roomForgotten") low.delete(fact.by);
      else hear(fact);
    },
    brokenBy({ atMs, by, commit }) {
      for (const { hostId } of commit.hostsRemoved ?? [])
        for (const known of low.values()) known.delete(hostId);
      return newDisksOf(commit).flatMap(([hostId, instanceId]) => {
        const told = low.get(by)?.get(hostId);
        if (told === undefined || atMs - told.lastMs > gapMsMax || atMs - told.sinceMs < lowSinceMs)
          return [];
        const seconds = Math.round((atMs - told.sinceMs) / 1_000);
        return [
          `A new disk of instance ${instanceId} is placed on host ${hostId}, which has said for ${seconds} s ` +
            `that less is free than is kept.`,
        ];
      });
    },
  };
}
