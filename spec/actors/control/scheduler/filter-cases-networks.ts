/** Cases of the filters by what the networks of hosts can do. */
import type { Case } from "./filter-cases.ts";
import type { WorldHost } from "./worlds.ts";

function pluggedBy(network: string | null, networks: string[] = ["tap"]): WorldHost["drivers"] {
  const abilities = { networks, volumes: [], hotPlug: false, liveMigration: false };
  return {
    ...{ hypervisor: "fake", disks: "fake", network, volumes: null },
    abilities: { ...abilities, console: true, save: false },
  };
}

const carrying = (mtuBytesMax: number, more: object = {}): WorldHost["drivers"] => {
  const drivers = pluggedBy("bridge");
  const networking = { mtuBytesMax, spansHosts: false, underlay: null, ...more };
  return drivers && { ...drivers, networking };
};

const plugging = pluggedBy("user", ["stream"]);
const publishing: WorldHost["drivers"] = plugging && {
  ...plugging,
  networking: { mtuBytesMax: 1_500, spansHosts: false, underlay: null, publishes: true },
};

const networked = {
  reason: "the guest is to be on networks, and the host has none to plug guests into",
  remedy: "give the node a network driver in cluster.yaml, or create the instance without networks",
};

export const networkCases: readonly Case[] = [
  {
    filter: "networked",
    when: "it has no network driver",
    ...{ host: { drivers: pluggedBy(null) }, asked: { networked: { mtuBytes: 0 } }, ...networked },
  },
  {
    filter: "networked",
    when: "its hypervisor can be plugged into nothing",
    ...{ host: { drivers: pluggedBy("bridge", []) }, asked: { networked: { mtuBytes: 0 } }, ...networked },
  },
  {
    filter: "networked",
    when: "nothing is known of its drivers",
    ...{ host: { drivers: null }, asked: { networked: { mtuBytes: 0 } }, ...networked },
  },
  {
    filter: "networked",
    when: "it can plug guests in",
    ...{ host: { drivers: pluggedBy("bridge") }, asked: { networked: { mtuBytes: 9_000 } } },
  },
  {
    filter: "networked",
    when: "it carries packets of that size",
    ...{ host: { drivers: carrying(1_450) }, asked: { networked: { mtuBytes: 1_450 } } },
  },
  {
    filter: "networked",
    when: "a network's packets are too large for it",
    ...{ host: { drivers: carrying(1_450) }, asked: { networked: { mtuBytes: 1_451 } } },
    reason: "a network of the guest has packets of 1451 bytes, and the host carries 1450 bytes at most",
    remedy: "create the instance on a network with a smaller MTU",
  },
  {
    filter: "networked",
    when: "it keeps no bandwidth limits, and a port has one",
    host: { drivers: carrying(1_450) },
    asked: { networked: { mtuBytes: 1_450, isLimited: true } },
    reason: "a port of the guest has a bandwidth limit, which the host's network driver does not keep",
    remedy: "take the limit from the port: novact port set --no-bandwidth-in --no-bandwidth-out",
  },
  {
    filter: "networked",
    when: "it keeps bandwidth limits",
    host: { drivers: carrying(1_450, { limits: true }) },
    asked: { networked: { mtuBytes: 1_450, isLimited: true } },
  },
  {
    filter: "networked",
    when: "it is not on that physical network",
    host: { drivers: carrying(1_450, { physicalNetworks: ["blue"] }) },
    asked: { networked: { mtuBytes: 1_450, physicalNetworks: ["blue", "red"] } },
    reason: "the network driver of the host plugs no guest into the physical network red",
    remedy: "name the device of that network in the options of a node's network driver",
  },
  {
    filter: "networked",
    when: "it is on all physical networks, and carries others as well",
    host: { drivers: carrying(1_450, { physicalNetworks: ["blue"] }) },
    asked: { networked: { mtuBytes: 1_450, physicalNetworks: ["blue", null] } },
  },
  {
    filter: "networked",
    when: "it carries physical networks only",
    host: { drivers: carrying(1_450, { physicalNetworks: ["blue"], overlays: false }) },
    asked: { networked: { mtuBytes: 1_450, physicalNetworks: [null] } },
    reason: "the network driver of the host carries the operator's own networks only",
    remedy:
      "create the instance on a network with a physical network, or give a node the driver bridge or user",
  },
  { filter: "networked", when: "nobody asks for it", host: { drivers: null }, asked: {} },
  {
    filter: "publishing",
    when: "its network driver does not",
    ...{ host: { drivers: pluggedBy("bridge") }, asked: { publishing: true } },
    reason: "ports of the guest are to be published, which the host's network driver does not do",
    remedy:
      "let the node's agent run as an ordinary user, with the network driver user, or create the instance without --publish",
  },
  {
    filter: "publishing",
    when: "its network driver does",
    ...{ host: { drivers: publishing }, asked: { publishing: true } },
  },
  { filter: "publishing", when: "nobody asks for it", host: { drivers: null }, asked: {} },
];
