/** Passes hosts that can open the instance's disk, if there is one and it is on shared storage. */
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
