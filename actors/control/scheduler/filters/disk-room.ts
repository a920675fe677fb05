/**
 * Passes hosts on whose storage of disks enough is really free, for a request that takes a new disk there: a
 * disk that is there already asks for none, so a recovery is never refused here.
 */
import { newDiskFloorMib } from "../../../../protocol/space.ts";
import { mebibytes } from "../../../../protocol/wire/wording.ts";
import { roomLeft } from "../disk-room.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const diskRoom: RequestFilter = {
  name: "diskRoom",
  effort: efforts.work,
  prepare: ({ atMs, diskGib }, _members, stored) => {
    if (diskGib === 0) return undefined;
    const refuse: Refuse = (host) => {
      const found = roomLeft(host, stored, atMs);
      const { of = "disks", freeMib = 0, totalMib = 0 } = found?.space ?? {};
      const placed = found?.placedMib ?? 0;
      const taken = placed === 0 ? "" : `, and ${mebibytes(placed)} of them are for disks placed just now`;
      const floor = mebibytes(newDiskFloorMib({ totalMib }));
      return {
        reason:
          `the file system of the ${of} has too little room for a new disk: ${mebibytes(freeMib)} of ` +
          `${mebibytes(totalMib)} are free${taken}, and ${floor} are kept for disks that are there`,
        remedy: `free space there, until more than ${floor} are free`,
      };
    };
    return (host) => {
      const found = roomLeft(host, stored, atMs);
      return found === undefined || found.leftMib >= newDiskFloorMib(found.space) || refuse;
    };
  },
};
