/** Cases of the filters that look at the host's own state, at amounts, and at wishes. */
import type { Aggregate } from "../../../../actors/control/scheduler/facts.ts";
import type { PlacementRequest } from "../../../../actors/control/scheduler/messages.ts";
import type { Space } from "../../../../protocol/space.ts";
import type { WorldHost } from "./worlds.ts";

export interface Case {
  readonly filter: string;
  readonly when: string;
  readonly host: Partial<WorldHost>;
  /** The full file system that the host reports. */
  readonly full?: Space;
  /** The file system of its guests' disks, as it reports it. */
  readonly room?: Space;
  readonly asked: Partial<PlacementRequest>;
  /** Undefined: the host passes. */
  readonly reason?: string;
  readonly remedy?: string;
}

const aggregate = (metadata: Record<string, string>, availabilityZone: string | null = null): Aggregate => ({
  id: `${JSON.stringify(metadata)}${availabilityZone}`,
  name: "aggregate",
  availabilityZone,
  metadata,
});
export const inAggregate = (...list: Parameters<typeof aggregate>[0][]) => ({
  aggregates: list.map((metadata) => aggregate(metadata)),
});
const group = (policy: "affinity" | "anti-affinity", ...hostIds: string[]) => ({
  group: { id: "g", policy, hostIds },
});
const image = { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 } as const;

function driversWith(made: { configDrive?: boolean; localDisks?: boolean }): WorldHost["drivers"] {
  const abilities = { networks: [], volumes: [], hotPlug: false, liveMigration: false };
  return {
    ...{ hypervisor: "fake", disks: "fake", network: null, volumes: null },
    abilities: { ...abilities, console: true, save: false, ...made },
  };
}

export const hostCases: readonly Case[] = [
  {
    filter: "enabled",
    when: "an operator disabled it",
    host: { enabled: false, disabledReason: "new disk" },
    asked: {},
    reason: "the host is disabled",
    remedy: "enable the host",
  },
  {
    filter: "lease",
    when: "it lost its lease",
    host: { leaseHeld: false },
    asked: {},
    reason: "the host does not hold its lease",
    remedy: "wait until the host has renewed its lease, or look at why it cannot",
  },
  { filter: "lease", when: "it holds it", host: { leaseHeld: true }, asked: {} },
  {
    filter: "alive",
    when: "nobody heard it",
    host: { lastSeenAtMs: 0 },
    asked: {},
    reason: "the host has not been heard from since this controller started",
    remedy: "start the host's agent, or mend its network",
  },
  {
    filter: "space",
    when: "it says that a file system is full",
    host: {},
    full: { of: "shared directory", freeMib: 3, totalMib: 900, full: true },
    asked: {},
    reason: "the file system of the shared directory is full: 3 of 900 MiB are free",
    remedy: "free space there",
  },
  {
    filter: "diskRoom",
    when: "little is free where it makes disks",
    host: {},
    room: { of: "guests directory", freeMib: 4_000, totalMib: 102_400, full: false, disks: true },
    asked: {},
    reason: "3.9 GiB are free in the guests directory, and 4 GiB are kept free",
    remedy: "free space there, until more than 4 GiB are free",
  },
  {
    filter: "diskRoom",
    when: "the file system of its disks has not answered for long",
    host: {},
    room: { of: "shared directory", freeMib: 9e4, totalMib: 1e5, full: false, disks: true, silentMs: 31_000 },
    asked: {},
    reason: "the file system of the shared directory has not answered for 31 s",
    remedy: "look at the server of that storage, and at the way there",
  },
  {
    filter: "diskRoom",
    when: "as much is free as is kept",
    host: {},
    room: { of: "guests directory", freeMib: 4_096, totalMib: 102_400, full: false, disks: true },
    asked: {},
  },
  {
    filter: "diskRoom",
    when: "little is free, and the disk is there",
    host: { storageId: "s" },
    room: { of: "shared directory", freeMib: 200, totalMib: 102_400, full: false, disks: true },
    asked: { storageId: "s", diskGib: 0 },
  },
  {
    filter: "forcedHost",
    when: "another is asked for",
    host: {},
    asked: { hints: { hostId: "z" } },
    reason: "another host is asked for",
    remedy: "ask for this host, or for none",
  },
  { filter: "forcedHost", when: "it is asked for", host: {}, asked: { hints: { hostId: "a" } } },
  {
    filter: "availabilityZone",
    when: "it is in no zone",
    host: {},
    asked: { availabilityZone: "az1" },
    reason: "the zone az1 is asked for, the host is in nova",
    remedy: "add the host to an aggregate of zone az1",
  },
  {
    filter: "availabilityZone",
    when: "it is in another zone than the default one",
    host: { aggregates: [aggregate({}, "az1")] },
    asked: { availabilityZone: "nova" },
    reason: "the zone nova is asked for, the host is in az1",
    remedy: "take the host out of the aggregate that puts it into a zone",
  },
  {
    filter: "availabilityZone",
    when: "one of its aggregates is in the zone",
    host: { aggregates: [aggregate({}), aggregate({}, "az1")] },
    asked: { availabilityZone: "az1" },
  },
  {
    filter: "availabilityZone",
    when: "it is in no zone and the default one is asked for",
    host: inAggregate({}),
    asked: { availabilityZone: "nova" },
  },
  {
    filter: "groupAffinity",
    when: "the members are elsewhere",
    host: {},
    asked: group("affinity", "b"),
    reason: "the group wants its members together, and they are on another host",
    remedy: "move the group's members there, or choose a group with the policy soft-affinity",
  },
  { filter: "groupAffinity", when: "a member is there", host: {}, asked: group("affinity", "a", "a") },
  { filter: "groupAffinity", when: "there is no member yet", host: {}, asked: group("affinity") },
  {
    filter: "groupAntiAffinity",
    when: "a member is there",
    host: {},
    asked: group("anti-affinity", "a"),
    reason: "it may have 1 member of the group, and has 1",
    remedy: "move a member of the group away, or choose a group with the policy soft-anti-affinity",
  },
  {
    filter: "groupAntiAffinity",
    when: "as many are there as may be",
    host: {},
    asked: { group: { id: "g", policy: "anti-affinity", hostIds: ["a", "b", "a"], maxPerHost: 2 } },
    reason: "it may have 2 members of the group, and has 2",
    remedy: "move a member of the group away, or choose a group with the policy soft-anti-affinity",
  },
  {
    filter: "groupAntiAffinity",
    when: "fewer are there than may be",
    host: {},
    asked: { group: { id: "g", policy: "anti-affinity", hostIds: ["a", "b"], maxPerHost: 2 } },
  },
  {
    filter: "sameHost",
    when: "the instance is elsewhere",
    host: {},
    asked: { hints: { sameHost: ["b"] } },
    reason: "none of the instances that were named in same_host is there",
    remedy: "leave out the hint same_host, or move one of its instances there",
  },
  { filter: "sameHost", when: "one of them is there", host: {}, asked: { hints: { sameHost: ["b", "a"] } } },
  {
    filter: "differentHost",
    when: "the instance is there",
    host: {},
    asked: { hints: { differentHost: ["b", "a"] } },
    reason: "an instance that was named in different_host is there",
    remedy: "leave out the hint different_host, or move its instances away",
  },
  { filter: "differentHost", when: "it is elsewhere", host: {}, asked: { hints: { differentHost: ["b"] } } },
  {
    filter: "storage",
    when: "it has none",
    host: {},
    asked: { storageId: "s1" },
    reason: "the disk is in a storage that the host does not see",
    remedy: "give the host the storage s1",
  },
  {
    filter: "storage",
    when: "it has another",
    host: { storageId: "s2" },
    asked: { storageId: "s1" },
    reason: "the disk is in a storage that the host does not see",
    remedy: "give the host the storage s1",
  },
  { filter: "storage", when: "it has the same", host: { storageId: "s1" }, asked: { storageId: "s1" } },
  {
    filter: "ram",
    when: "too little is free",
    host: { memoryMibClaimed: 8_000 },
    asked: {},
    reason: "512 MiB are asked for, 192 are free",
    remedy: "free 320 MiB more or choose a flavor with at most 192 MiB",
  },
  {
    filter: "ram",
    when: "it never had so much",
    host: { memoryMib: 256 },
    asked: {},
    reason: "512 MiB are asked for, 256 are free",
    remedy: "choose a flavor with at most 256 MiB, which is all that the host has",
  },
  { filter: "ram", when: "all of it is free", host: {}, asked: { memoryMib: 8_192 } },
  {
    filter: "cpu",
    when: "none is free",
    host: { vcpusClaimed: 8 },
    asked: {},
    reason: "1 vCPU is asked for, 0 are free",
    remedy: "free 1 vCPU more",
  },
  {
    filter: "disk",
    when: "none is free",
    host: { diskGibClaimed: 100 },
    asked: {},
    reason: "1 GiB is asked for, 0 are free",
    remedy: "free 1 GiB more",
  },
  {
    filter: "architecture",
    when: "it is another",
    host: { architecture: "aarch64" },
    asked: {},
    reason: "the image is for x86_64, the host is aarch64",
    remedy: "choose an image for aarch64",
  },
  {
    filter: "image",
    when: "the hypervisor is another",
    host: {},
    asked: { image: { ...image, hypervisor: "fake" } },
    reason: "the image wants the hypervisor fake, the host has qemu",
    remedy: "choose an image for the hypervisor qemu",
  },
  {
    filter: "image",
    when: "the flavor has too little memory",
    host: {},
    asked: { image: { ...image, memoryMibMin: 1_024 } },
    reason: "the image wants 1024 MiB of memory, the flavor has 512",
    remedy: "choose a flavor with at least 1024 MiB",
  },
  {
    filter: "configDrive",
    when: "it makes no config drives",
    host: { drivers: driversWith({ configDrive: false }) },
    asked: { configDrive: true },
    reason: "the guest is to have a config drive, which the host does not make",
    remedy: "create the instance without key, user data and config drive, or upgrade the agent of the host",
  },
  {
    filter: "configDrive",
    when: "it does not say that it makes any",
    host: { drivers: null },
    asked: { configDrive: true },
    reason: "the guest is to have a config drive, which the host does not make",
    remedy: "create the instance without key, user data and config drive, or upgrade the agent of the host",
  },
  {
    filter: "configDrive",
    when: "it makes config drives",
    host: { drivers: driversWith({ configDrive: true }) },
    asked: { configDrive: true },
  },
  { filter: "configDrive", when: "none is asked for", host: { drivers: null }, asked: {} },
  ...[driversWith({}), null].map((drivers) => ({
    filter: "localDisks",
    when: drivers === null ? "it does not say that it makes any" : "it makes no local disks",
    host: { drivers },
    asked: { localDisks: true } as const,
    reason: "the flavor has an ephemeral or a swap disk, which the host does not make",
    remedy: "choose a flavor without them, or upgrade the agent of the host",
  })),
  {
    filter: "localDisks",
    when: "it makes local disks",
    host: { drivers: driversWith({ localDisks: true }) },
    asked: { localDisks: true },
  },
  { filter: "localDisks", when: "none is asked for", host: { drivers: null }, asked: {} },
  {
    filter: "image",
    when: "the flavor has too little disk",
    host: {},
    asked: { image: { ...image, diskGibMin: 2 } },
    reason: "the image wants 2 GiB of disk, the flavor has 1",
    remedy: "choose a flavor with at least 2 GiB, or with 0: the image's own size",
  },
  {
    filter: "image",
    when: "the machine type is unknown there",
    host: { machineTypes: ["pc"] },
    asked: { imageProperties: { hw_machine_type: "q35" }, image: { ...image, hypervisor: "qemu" } },
    reason: "the image wants the machine type q35, which the host does not know",
    remedy: "set hw_machine_type of the image to a type that the host knows",
  },
  {
    filter: "image",
    when: "it does not say which machine types it knows",
    host: {},
    asked: { imageProperties: { hw_machine_type: "q35" } },
  },
  {
    filter: "excluded",
    when: "the build failed there",
    host: {},
    asked: { excluded: [{ hostId: "a", reason: "disk full" }] },
    reason: "the build failed on this host before: disk full",
    remedy: "mend what failed there and create the instance anew",
  },
  {
    filter: "ioOps",
    when: "an aggregate allows no more",
    host: { ioOps: 8, ...inAggregate({ max_io_ops_per_host: "8" }, { max_io_ops_per_host: "20" }) },
    asked: {},
    reason: "8 instances are being built or moved there, 8 may be at once",
    remedy: "wait until some of these are done",
  },
  { filter: "ioOps", when: "no aggregate says anything", host: { ioOps: 8 }, asked: {} },
  {
    filter: "instances",
    when: "an aggregate allows no more",
    host: { instances: 50, ...inAggregate({ max_instances_per_host: "50" }) },
    asked: {},
    reason: "50 instances are there, 50 may be",
    remedy: "move instances away, or raise max_instances_per_host of the host's aggregates",
  },
];
