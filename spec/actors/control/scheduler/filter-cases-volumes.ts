/** Cases of the filter that looks at where the volumes of an instance are. */
import type { Case } from "./filter-cases.ts";
import { host, type WorldHost } from "./worlds.ts";

const abilities = { networks: [], hotPlug: true, liveMigration: false, console: true, save: false };
const giving = (volumes: readonly string[]): WorldHost["drivers"] => ({
  ...{ hypervisor: "fake", disks: "fake", network: null, volumes: "directory" },
  abilities: { ...abilities, volumes: [...volumes] },
});
const wanted = (storageIds: readonly string[], hostIds: readonly string[] = []) => ({
  volumes: { storageIds, hostIds },
});
const { id } = host("a");
const none = {
  reason: "the guest has volumes, and the host gives guests none",
  remedy: "give the node a driver of volumes in cluster.yaml, or detach them",
};

export const volumeCases: readonly Case[] = [
  {
    filter: "volumes",
    when: "its drivers give no volumes",
    ...{ host: { drivers: giving([]), storageId: "s" }, asked: wanted(["s"]), ...none },
  },
  {
    filter: "volumes",
    when: "nothing is known of its drivers",
    ...{ host: { drivers: null, storageId: "s" }, asked: wanted(["s"]), ...none },
  },
  {
    filter: "volumes",
    when: "it does not see a storage of these",
    ...{ host: { drivers: giving(["file"]), storageId: "s" }, asked: wanted(["s", "t"]) },
    reason: "a volume of the guest is in a storage that the host does not see",
    remedy: "give the host the storage s, t",
  },
  {
    filter: "volumes",
    when: "one is on the own disk of another host",
    ...{ host: { drivers: giving(["file"]) }, asked: wanted([], ["other"]) },
    reason: "a volume of the guest is on the own disk of another host",
    remedy: "bring that host back, or detach the volume: novact volume detach",
  },
  {
    filter: "volumes",
    when: "it can open all of these",
    ...{ host: { drivers: giving(["file"]), storageId: "s" }, asked: wanted(["s"], [id]) },
  },
];
