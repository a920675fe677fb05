/** Passes hosts that can open the disk, when it exists already and lies in a storage that hosts share. */
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

export const storage: RequestFilter = {
  name: "storage",
  effort: efforts.another,
  prepare: ({ storageId }) => {
    if (storageId === undefined) return undefined;
    const refuse: Refuse = () => ({
      reason: "the disk is in a storage that the host does not see",
      remedy: `give the host the storage ${storageId}`,
    });
    return (host) => host.storageId === storageId || refuse;
  },
};
