/** The keeper of the directories of guests, on whatever disks they lie. */
import type { Disks } from "../../actors/ports/disks.ts";
import type { Keeper } from "../../actors/ports/keeper.ts";
import { counted } from "../../protocol/wire/wording.ts";

export const diskKeeper = (disks: Pick<Disks, "list" | "release">): Keeper => ({
  kind: "disk",
  list: async () =>
    (await disks.list()).map(({ instanceId, files }) => ({
      ...{ instanceId, ownerEpoch: 0, what: `a directory with ${counted(files.length, "file")}`, files },
    })),
  // A directory does not tell its owner epoch: it is released with whatever disk this host has.
  release: ({ instanceId }) => disks.release(instanceId),
});
