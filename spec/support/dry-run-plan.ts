/**
 * Random clusters and random creates for the comparison of dry runs with runs: hosts with and without NUMA
 * nodes, leases, zones and room; flavors, images, groups and quotas; requests of which most are possible and
 * many are not. Pure chance of a seed.
 */
import type { Commit } from "../../actors/records/commit.ts";
import type { Image } from "../../protocol/image.ts";
import { groupPolicies } from "../../protocol/kinds.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { network, subnet } from "../../protocol/network.ts";
import type { ResourceRow } from "../../protocol/wire/resource.ts";
import type { Random } from "../simulator/random.ts";
import type { CreateRequest } from "./dry-run-world.ts";
import { rowsOf } from "./store-resources.ts";
import * as rows from "./store-rows.ts";

const many = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

export const projects = ["p1", "p2", "admin"] as const;
const gib = 1024 ** 3;

const flavors: readonly (typeof rows.flavor)[] = [
  { ...rows.flavor, id: "f-tiny", name: "tiny", vcpus: 1, memoryMib: 64, diskGib: 0 },
  { ...rows.flavor, id: "f-small", name: "small", vcpus: 1, memoryMib: 256, diskGib: 1 },
  { ...rows.flavor, id: "f-wide", name: "wide", vcpus: 4, memoryMib: 128, diskGib: 2 },
  { ...rows.flavor, id: "f-huge", name: "huge", vcpus: 64, memoryMib: 1024 ** 2, diskGib: 100 },
  pinned("pinned", { "hw:cpu_policy": "dedicated" }),
  pinned("two-nodes", { "hw:numa_nodes": "2" }),
  pinned("pages", { "hw:mem_page_size": "2MB" }),
  pinned("odd", { "hw:numa_nodes": "3" }),
  pinned("trait", { "trait:HW_CPU_X86_AVX2": "required" }),
];

function pinned(name: string, extraSpecs: Record<string, string>): typeof rows.flavor {
  return { ...rows.flavor, id: `f-${name}`, name, vcpus: 2, memoryMib: 128, diskGib: 1, extraSpecs };
}

const images: readonly (typeof rows.image)[] = [
  { ...rows.image, id: "i-kernel", name: "kernel", disk: null, properties: asks() },
  { ...rows.image, id: "i-disk", name: "disk", properties: asks() },
  { ...rows.image, id: "i-large", name: "large", disk: diskOf(1.5 * gib), properties: asks() },
  { ...rows.image, id: "i-greedy", name: "greedy", properties: { ...asks(), memoryMibMin: 200 } },
  { ...rows.image, id: "i-qemu", name: "qemu", properties: { ...asks(), hypervisor: "qemu" } },
];

function asks(): Image["properties"] {
  return { architecture: "x86_64", memoryMibMin: 0, diskGibMin: 0 };
}

function diskOf(virtualSizeBytes: number): Image["disk"] {
  return { sha256: "b".repeat(64), sizeBytes: 1_000, format: "qcow2", virtualSizeBytes };
}

export interface Surroundings {
  readonly hostIds: readonly string[];
  readonly commits: readonly Commit[];
}

/** What is there before the first create. */
export function surroundings(random: Random): Surroundings {
  const hostIds = many(random.chance(0.03) ? 0 : random.whole(1, 6), (n) => `h${n}`);
  const zones = many(random.whole(0, 2), (n) => `z${n + 1}`);
  const leased = hostIds.filter(() => random.chance(0.7));
  const disabled = hostIds.filter(() => random.chance(0.15));
  return {
    hostIds,
    commits: [
      rowsOf({ flavors, images }),
      { hosts: hostIds.map((id) => inventoryOf(random, id)) },
      { leasesGranted: leased.map((hostId) => ({ hostId, leaseEpoch: 1 })) },
      { hostsEnabled: disabled.map((hostId) => ({ hostId, enabled: false, reason: "a test" })) },
      ...zones.map((zone) => aggregateOf(random, zone)),
      ...hostIds.flatMap((hostId) => {
        const zone = random.pick(zones);
        if (zone === undefined || random.chance(0.3)) return [];
        return [{ aggregateHosts: [{ aggregateId: `a-${zone}`, hostId }] }];
      }),
      rowsOf({ serverGroups: groupsOf(random) }),
      ...projects.map(networkOf),
      { quotas: projects.flatMap((project) => (random.chance(0.4) ? [quotaOf(random, project)] : [])) },
    ],
  };
}

function inventoryOf(random: Random, id: string): HostInventory {
  const cpus = random.whole(1, 10);
  const memoryMib = random.whole(1, 24) * 128;
  const halves = (whole: number) => Math.floor(whole / 2);
  const pages = random.chance(0.5) ? [{ sizeKib: 2_048, total: random.whole(0, 200) }] : [];
  const numa = { vcpus: halves(cpus), memoryMib: halves(memoryMib), hugePages: pages };
  return rows.inventory(id, {
    vcpus: cpus * random.whole(1, 2),
    memoryMib,
    diskGib: random.whole(1, 20),
    hypervisor: random.pick(["fake", "qemu"]),
    features: random.chance(0.3) ? ["avx2"] : [],
    numa: cpus > 1 && random.chance(0.4) ? [numa, numa] : [],
    ...(random.chance(0.7) ? { drivers } : {}),
  });
}

const drivers: NonNullable<HostInventory["drivers"]> = {
  ...{ hypervisor: "fake", disks: "fake", network: "fake", volumes: null },
  abilities: {
    ...{ networks: ["tap"], volumes: [], hotPlug: false, liveMigration: false, console: true, save: false },
  },
};

/** A network of each project, whose subnet has room for five ports. */
function networkOf(project: string, at: number): Commit {
  const own = { project, createdAtMs: rows.wallMs, version: 1 };
  const net = { ...own, id: `n-${project}`, name: "net", number: at + 1, mtuBytes: 1_450 };
  const pools = [{ first: "10.0.0.2", last: "10.0.0.6" }];
  const range = { cidr: "10.0.0.0/29", gateway: "10.0.0.1", pools, dnsServers: [], hostRoutes: [] };
  const sub = { ...own, id: `s-${project}`, name: "sub", networkId: net.id, ...range, dhcp: true };
  return {
    rows: [
      { resource: network, made: { ...net, shared: false, external: false } as ResourceRow },
      { resource: subnet, made: { ...sub, shared: false } as ResourceRow },
    ],
  };
}

/** Most creates ask for a single interface, few for an address, no interface, or an unknown network. */
function networksOf(random: Random): CreateRequest["networks"] {
  const on = { network: "net" };
  switch (random.weighted({ one: 6, none: 1, two: 2, address: 2, nowhere: 1 })) {
    case "one":
      return [on];
    case "none":
      return [];
    case "two":
      return [on, on];
    case "address":
      return [{ ...on, address: `10.0.0.${random.whole(2, 7)}` }];
    case "nowhere":
      return [{ network: "nowhere" }];
  }
}

function aggregateOf(random: Random, zone: string): Commit {
  const limited = random.chance(0.3) ? { max_instances_per_host: String(random.whole(1, 4)) } : {};
  const row = { id: `a-${zone}`, name: `in-${zone}`, availabilityZone: zone, metadata: limited };
  return rowsOf({ aggregates: [{ ...row, createdAtMs: rows.wallMs }] });
}

const groupsOf = (random: Random) =>
  projects.flatMap((project) =>
    groupPolicies.map((policy) => ({
      id: `g-${project}-${policy}`,
      project,
      name: policy,
      policy,
      maxPerHost: policy === "anti-affinity" && random.chance(0.3) ? 2 : null,
      createdAtMs: rows.wallMs,
    })),
  );

export function quotaOf(random: Random, project: string) {
  const limit = (most: number) => (random.chance(0.6) ? random.whole(2, most) : null);
  const ports = random.chance(0.3) ? random.whole(1, 4) : null;
  return { project, instances: limit(16), vcpus: limit(24), memoryMib: limit(3_000), ports };
}

export interface Asked {
  readonly project: string;
  readonly request: CreateRequest;
}

/** A request; `made`: ids of instances that may be named. */
export function askedFor(random: Random, made: readonly string[], hostIds: readonly string[]): Asked {
  const project = random.pick(projects);
  const count = random.chance(0.5) ? random.whole(1, 12) : undefined;
  const maybe = <T>(chance: number, field: string, value: T | undefined) =>
    random.chance(chance) && value !== undefined ? { [field]: value } : {};
  const ids = () => [random.chance(0.1) ? "nobody" : (random.pick(made) ?? "nobody")];
  const hints = { ...maybe(0.5, "sameHost", ids()), ...maybe(0.5, "differentHost", ids()) };
  return {
    project,
    request: {
      name: random.chance(0.05) ? "n".repeat(random.whole(252, 255)) : "web",
      flavor: random.chance(0.03) ? "nothing" : nameOf(random, flavors, "tiny"),
      image: random.chance(0.02) ? "nothing" : nameOf(random, images, "kernel"),
      ...(count === undefined ? {} : { count }),
      ...maybe(count === undefined ? 0.03 : 0.4, "atLeast", random.whole(1, 12)),
      ...maybe(0.12, "availabilityZone", random.pick(["z1", "z2", "nova", "nowhere"])),
      ...maybe(0.4, "serverGroup", random.pick(groupPolicies)),
      ...maybe(0.03, "serverGroup", random.pick(["nothing", "g-p1-affinity"])),
      ...maybe(0.1, "hints", hints),
      ...maybe(project === "admin" ? 0.3 : 0.05, "host", random.pick([...hostIds, "nothing"])),
      ...maybe(0.05, "metadata", metadataOf(random)),
      ...maybe(0.3, "networks", networksOf(random)),
    },
  };
}

/** A create at another controller of as many small instances as find room: the first one's views get old. */
export const rush = (random: Random): Asked => ({
  project: "admin",
  request: { name: "rush", flavor: "tiny", image: "kernel", count: random.whole(2, 8), atLeast: 1 },
});

/** The name of a flavor or image: in most cases the easy one, which fits nearly everywhere. */
const nameOf = (random: Random, list: readonly { readonly name: string }[], easy: string): string =>
  random.chance(0.6) ? easy : (random.pick(list)?.name ?? easy);

/** Sometimes so much that many instances of it are too large for one commit. */
function metadataOf(random: Random): Record<string, string> {
  const pairs = random.chance(0.5) ? 128 : 1;
  return Object.fromEntries(many(pairs, (n) => [`${"k".repeat(250)}${n}`, "v".repeat(255)]));
}

/** Something that changes between two requests, without the first controller's doing. */
export function changeOf(random: Random, hostIds: readonly string[]): Commit {
  const hostId = random.pick(hostIds);
  const flavor = random.pick(flavors);
  switch (random.weighted({ quota: 2, host: 2, flavor: 2, image: 1 })) {
    case "quota":
      return { quotas: [quotaOf(random, random.pick(projects))] };
    case "host": {
      if (hostId === undefined) return {};
      return { hostsEnabled: [{ hostId, enabled: random.chance(0.5), reason: "a test" }] };
    }
    case "flavor":
      return rowsOf({ flavorsRemoved: [flavor?.id ?? ""] });
    case "image":
      return rowsOf({ imagesRemoved: [random.pick(images)?.id ?? ""] });
  }
}

/** The flavor of this name once more, with another id and another size. */
export function flavorAgain(random: Random, step: number): Commit {
  const flavor = random.pick(flavors);
  if (flavor === undefined) return {};
  return rowsOf({ flavors: [{ ...flavor, id: `${flavor.id}-${step}`, vcpus: random.whole(1, 4) }] });
}
