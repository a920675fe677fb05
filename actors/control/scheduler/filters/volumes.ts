/** Passes hosts that give guests volumes and can open all of the instance's, if it has any. */
import { canHaveVolumes, seesStorage } from "../../../../protocol/host-drivers.ts";
import { efforts, type Refuse, type RequestFilter } from "./filter.ts";

const noVolumes: Refuse = () => ({
  reason: "the guest has volumes, and the host gives guests none",
  remedy: "give the node a driver of volumes in cluster.yaml, or detach them",
});

const elsewhere: Refuse = () => ({
  reason: "a volume of the guest is on the own disk of another host",
  remedy: "bring that host back, or detach the volume: novact volume detach",
});

export const volumes: RequestFilter = {
  name: "volumes",
  effort: efforts.another,
  prepare: ({ volumes: wanted }) => {
    if (wanted === undefined) return undefined;
    const unseen: Refuse = () => ({
      reason: "a volume of the guest is in a storage that the host does not see",
      remedy: `give the host the storage ${wanted.storageIds.join(", ")}`,
    });
    return (host) => {
      if (!canHaveVolumes(host.drivers)) return noVolumes;
      if (wanted.hostIds.some((id) => id !== host.id)) return elsewhere;
      return wanted.storageIds.every((id) => seesStorage(host, id)) || unseen;
    };
  },
};
