/**
 * Passes hosts on whose storage of disks enough is really free, for a request that takes a new disk there: a
 * disk that is there already asks for none, so a recovery is never refused here.
 */
import { isSilent, newDiskFloorMib, type Space } from "../../../../protocol/space.ts";
import { mebibytes } from "../../../../protocol/wire/wording.ts";
import { roomLeft } from "../disk-room.ts";
import { efforts, type Refusal, type Refuse, type RequestFilter } from "./filter.ts";

export const diskRoom: RequestFilter = {
  name: "diskRoom",
  effort: efforts.work,
  prepare: ({ atMs, diskGib }, _members, stored) => {
    if (diskGib === 0) return undefined;
    const refuse: Refuse = (host) => {
      const found = roomLeft(host, stored, atMs);
      if (found !== undefined && isSilent(found.space)) return silent(found.space);
      const { of = "directory of disks", freeMib = 0, totalMib = 0 } = found?.space ?? {};
      const placed = found?.placedMib ?? 0;
      const lately = placed === 0 ? "" : `, less ${mebibytes(placed)} for disks placed just now`;
      const floor = mebibytes(newDiskFloorMib({ totalMib }));
      return {
        // The numbers come first: a table of a dry run shows the beginning.
        reason: `${mebibytes(freeMib)} are free in the ${of}${lately}, and ${floor} are kept free`,
        remedy: `free space there, until more than ${floor} are free`,
      };
    };
    return (host) => {
      const found = roomLeft(host, stored, atMs);
      if (found === undefined) return true;
      return (found.leftMib >= newDiskFloorMib(found.space) && !isSilent(found.space)) || refuse;
    };
  },
};

const silent = ({ of, silentMs = 0 }: Space): Refusal => ({
  reason: `the file system of the ${of} has not answered for ${Math.round(silentMs / 1_000)} s`,
  remedy: "look at the server of that storage, and at the way there",
});
