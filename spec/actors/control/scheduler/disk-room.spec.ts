/**
 * Room as hosts really have it: what is placed is taken off until it is measured, on the host's own storage
 * and on one that hosts share; and what was told long ago counts no more. By value.
 */
import { expect } from "chai";
import { explain } from "../../../../actors/control/scheduler/explain.ts";
import { schedulerLimits } from "../../../../actors/control/scheduler/limits.ts";
import { rankMany } from "../../../../actors/control/scheduler/rank-many.ts";
import { spaceLimits } from "../../../../protocol/limits/space.ts";
import { newDiskFloorBytes, newDiskFloorMib, type Space } from "../../../../protocol/space.ts";
import { following, host, hostIds, knowing, ranking, refresh, request, scheduler } from "./worlds.ts";

const floorMib = 4_096;
const roomOf = (freeMib: number): Space => ({
  ...{ of: "guests directory", freeMib, totalMib: 102_400, full: false, disks: true },
});
const heard = (hostId: string, freeMib: number) =>
  ({ kind: "heard", hostId, room: roomOf(freeMib) }) as const;
const claimed = (hostId: string, diskGib: number) =>
  ({ kind: "claimed", hostId, amounts: { vcpus: 1, memoryMib: 1, diskGib } }) as const;
/** What a disk of 16 GiB is taken to write at first. */
const writtenMib = 16 * 1_024 * schedulerLimits.newDiskWrittenShare;

describe("scheduler: what is really free where disks are made", () => {
  it("keeps a floor, of a small file system a share of it, and never less than what is full", () => {
    expect(newDiskFloorMib({ totalMib: 102_400 })).to.equal(floorMib);
    expect(newDiskFloorMib({ totalMib: 20_480 })).to.equal(1_024);
    expect(newDiskFloorBytes({ totalBytes: 1_600 * 1024 * 1024 })).to.equal(spaceLimits.fullBelowBytes);
  });

  it("takes off what was placed since, until a measurement shows it", () => {
    const before = following(knowing(host("a")), [heard("a", floorMib + writtenMib - 1)]).next;
    const asked = request({ diskGib: 16 });
    expect(hostIds(ranking(before, asked))).to.deep.equal(["a"]);
    const placed = following(before, [claimed("a", 16)], 2).next;
    expect(ranking(placed, asked, 3), "it waits for a read").to.equal(undefined);
    // Soon after, a measurement may be of before the disk was made.
    const soon = following(placed, [heard("a", floorMib + writtenMib - 1)], 4).next;
    expect(ranking(soon, asked, 5)).to.equal(undefined);
    const { roomSettlesMs } = schedulerLimits;
    const once = following(soon, [heard("a", floorMib)], 5 + roomSettlesMs).next;
    expect(ranking(once, asked, 6 + roomSettlesMs), "placed since the mark before").to.equal(undefined);
    const later = following(once, [heard("a", floorMib)], 10 + 2 * roomSettlesMs).next;
    expect(hostIds(ranking(later, asked, 11 + 2 * roomSettlesMs))).to.deep.equal(["a"]);
  });

  it("says what is taken off", () => {
    const placed = [heard("a", floorMib), claimed("a", 16)];
    const [verdict] = explain(scheduler, following(knowing(host("a")), placed).next, {
      ...request(),
      atMs: 4,
    });
    expect(verdict?.filters.diskRoom).to.equal(
      "4 GiB are free in the guests directory, less 1 GiB for disks placed just now, and 4 GiB are kept free",
    );
  });

  it("counts the disks of one request together, on whichever hosts of a storage they are", () => {
    const storage = { diskGib: 1_000, diskGibClaimed: 0 };
    const shared = { storageId: "s", storage };
    const words = [heard("a", floorMib + 2 * writtenMib), heard("b", floorMib + 2 * writtenMib)];
    const state = following(knowing(host("a", shared), host("b", shared)), words).next;
    const asked = { ...request({ diskGib: 16 }), atMs: 3 };
    expect(rankMany(scheduler, state, asked, 5).candidates).to.have.length(3);
    const own = following(knowing(host("a"), host("b")), words).next;
    expect(rankMany(scheduler, own, asked, 5).candidates).to.have.length(5);
  });

  it("knows by a read of the storage what other controllers have placed there", () => {
    const shared = (diskGibClaimed: number) => ({
      storageId: "s",
      storage: { diskGib: 999, diskGibClaimed },
    });
    const state = following(knowing(host("a", shared(0))), [heard("a", floorMib)]).next;
    const asked = request({ diskGib: 1 });
    expect(hostIds(ranking(state, asked))).to.deep.equal(["a"]);
    const read = following(state, [refresh([host("a", shared(1))], 2)], 3).next;
    expect(ranking(read, asked, 3)).to.equal(undefined);
    const deleted = following(read, [refresh([host("a", shared(0))], 4)], 5).next;
    expect(hostIds(ranking(deleted, asked, 5))).to.deep.equal(["a"]);
  });

  it("believes nobody for ever, and lets pass who has told nothing", () => {
    const state = following(knowing(host("a"), host("b")), [heard("a", 0)]).next;
    expect(hostIds(ranking(state))).to.deep.equal(["b"]);
    const atMs = 2 + schedulerLimits.fullBelievedMs;
    const alive = [{ kind: "heard", hostId: "a" } as const, { kind: "heard", hostId: "b" } as const];
    const later = following(state, [...alive, refresh([host("a"), host("b")], atMs)], atMs).next;
    expect(hostIds(ranking(later, request(), atMs + 3))).to.have.members(["a", "b"]);
  });
});
