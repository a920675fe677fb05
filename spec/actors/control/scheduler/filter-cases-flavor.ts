/** Cases of the filters by aggregates' metadata and by flavors' extra specs. */
import type { HostDrivers } from "../../../../protocol/host-drivers.ts";
import type { NumaNode } from "../../../../protocol/numa.ts";
import type { OfferedShapes } from "../../../../protocol/shape.ts";
import { type Case, inAggregate } from "./filter-cases.ts";

const specs = (extraSpecs: Record<string, string>) => ({ extraSpecs });
const node: NumaNode = { vcpus: 4, memoryMib: 4_096, hugePages: [{ sizeKib: 2_048, total: 512 }] };
const nodes = { numa: [node, node], vcpus: 16 };

const drivers: HostDrivers = {
  ...{ hypervisor: "qemu", disks: "files", network: null, volumes: "pool" },
  abilities: {
    ...{ networks: ["user", "tap"], volumes: ["file"] },
    ...{ hotPlug: false, liveMigration: false, console: true, save: true },
  },
};

const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "EPYC-v3" };
const offering = (changes: Partial<OfferedShapes> = {}) => ({
  drivers: {
    ...drivers,
    shapes: {
      ...{ versions: [1], aliases: [], machineType: "pc-q35-9.0", cpuModel: "EPYC-Rome-v2" },
      ...{ machineTypes: ["pc-q35-7.2", "pc-q35-9.0"], cpuModels: ["EPYC-v3", "EPYC-Rome-v2"] },
      ...changes,
    },
  },
});
const unknownHardware = {
  reason: "the guest has had hardware of version 1 since its first boot, which the host does not know",
  remedy: "upgrade the agent of the host",
};

const pinnedRemedy = "choose a flavor with hw:cpu_policy shared";
export const flavorCases: readonly Case[] = [
  { filter: "shape", when: "it has all of it", host: offering(), asked: { shape } },
  {
    filter: "shape",
    when: "its agent says nothing of its drivers",
    host: {},
    asked: { shape },
    ...unknownHardware,
  },
  { filter: "shape", when: "it offers none", host: { drivers }, asked: { shape }, ...unknownHardware },
  {
    filter: "shape",
    when: "it is of another version",
    host: offering({ versions: [2, 3] }),
    asked: { shape },
    ...unknownHardware,
  },
  {
    filter: "shape",
    when: "its hypervisor has not the machine type",
    host: offering({ machineTypes: ["pc-q35-9.0"] }),
    asked: { shape },
    reason:
      "the guest has had the machine type pc-q35-7.2 since its first boot, which the host does not know",
    remedy: "give the host a hypervisor that knows pc-q35-7.2",
  },
  {
    filter: "shape",
    when: "its processors are others",
    host: offering({ cpuModels: ["EPYC-Rome-v2"] }),
    asked: { shape },
    reason: "the guest has had the processor EPYC-v3 since its first boot, which the host cannot give it",
    remedy: "give the host processors and a hypervisor that can be EPYC-v3",
  },
  {
    filter: "aggregateProjects",
    when: "it is kept for others",
    host: inAggregate({ filter_tenant_id: "bank" }, { filter_tenant_id7: "shop, mill" }),
    asked: { project: "demo" },
    reason: "the host is kept for other projects than demo",
    remedy: "add demo to filter_tenant_id of the host's aggregate",
  },
  {
    filter: "aggregateProjects",
    when: "it is kept for this one",
    host: inAggregate({ filter_tenant_id: "bank" }, { filter_tenant_id7: "shop, demo" }),
    asked: { project: "demo" },
  },
  {
    filter: "aggregateFlavors",
    when: "it is kept for others",
    host: inAggregate({ instance_type: "m1.large,m1.huge" }),
    asked: { flavor: "m1.small" },
    reason: "the host is kept for other flavors than m1.small",
    remedy: "add m1.small to instance_type of the host's aggregate",
  },
  {
    filter: "aggregateFlavors",
    when: "it is kept for this one",
    host: inAggregate({ instance_type: "m1.large, m1.small" }),
    asked: { flavor: "m1.small" },
  },
  {
    filter: "aggregateImages",
    when: "it is kept for others",
    host: inAggregate({ os_distro: "windows" }),
    asked: { imageProperties: { os_distro: "debian" } },
    reason: "the host is kept for images whose os_distro is windows",
    remedy: "add debian to os_distro of the host's aggregate",
  },
  {
    filter: "aggregateImages",
    when: "the image does not have the property",
    host: inAggregate({ os_distro: "windows" }),
    asked: {},
  },
  {
    filter: "aggregateExtraSpecs",
    when: "no aggregate says it",
    host: {},
    asked: specs({ "aggregate_instance_extra_specs:ssd": "true" }),
    reason: "the flavor wants ssd true of an aggregate, the host's say nothing of it",
    remedy: "add the host to an aggregate whose ssd is true",
  },
  {
    filter: "aggregateExtraSpecs",
    when: "an aggregate says otherwise",
    host: inAggregate({ ssd: "false" }),
    asked: specs({ ssd: "true" }),
    reason: "the flavor wants ssd true of an aggregate, the host's say false",
    remedy: "add the host to an aggregate whose ssd is true",
  },
  {
    filter: "aggregateExtraSpecs",
    when: "one of its aggregates says so",
    host: inAggregate({ ssd: "false" }, { ssd: "true" }),
    asked: specs({ "aggregate_instance_extra_specs:ssd": "true", "hw:other": "x" }),
  },
  {
    filter: "capabilities",
    when: "it has less",
    host: {},
    asked: specs({ "capabilities:free_ram_mb": ">= 9000" }),
    reason: "the flavor wants free_ram_mb >= 9000, the host has 8192",
    remedy: "choose another flavor",
  },
  {
    filter: "capabilities",
    when: "it has no such label",
    host: {},
    asked: specs({ "capabilities:rack": "r1" }),
    reason: "the flavor wants rack r1, the host has no such thing",
    remedy: "choose another flavor, or label the host with rack",
  },
  {
    filter: "capabilities",
    when: "it has all of it",
    host: { labels: { rack: "r2" }, features: ["avx2"] },
    asked: specs({
      "capabilities:rack": "<or> r1 <or> r2",
      "capabilities:cpu_info:features": "<in> avx2",
      "capabilities:hypervisor_type": "s== qemu",
    }),
  },
  {
    filter: "capabilities",
    when: "its hypervisor cannot",
    host: { drivers },
    asked: specs({ "capabilities:can_hot_plug": "true" }),
    reason: "the flavor wants can_hot_plug true, the host has false",
    remedy: "choose another flavor",
  },
  {
    filter: "capabilities",
    when: "it does not say what its hypervisor can",
    host: {},
    asked: specs({ "capabilities:has_console": "true" }),
    reason: "the flavor wants has_console true, the host has no such thing",
    remedy: "choose another flavor",
  },
  {
    filter: "capabilities",
    when: "it has no driver of that kind",
    host: { drivers },
    asked: specs({ "capabilities:network": "bridge" }),
    reason: "the flavor wants network bridge, the host has no such thing",
    remedy: "choose another flavor",
  },
  {
    filter: "capabilities",
    when: "it has the drivers, and its hypervisor can all of it",
    host: { drivers },
    asked: specs({
      ...{ "capabilities:hypervisor": "qemu", "capabilities:disks": "files", "capabilities:volumes": "pool" },
      ...{ "capabilities:network_kinds": "<in> tap", "capabilities:volume_kinds": "<in> file" },
      ...{ "capabilities:has_console": "true", "capabilities:can_save": "true" },
      "capabilities:can_live_migrate": "false",
    }),
  },
  {
    filter: "capabilities",
    when: "its label has the name of a kind of drivers",
    host: { drivers, labels: { disks: "ssd" } },
    asked: specs({ "capabilities:disks": "ssd" }),
  },
  {
    filter: "traits",
    when: "one is missing and one may not be",
    host: { features: ["avx", "vmx"] },
    asked: {
      ...specs({ "trait:HW_CPU_X86_AVX2": "required", "trait:HW_CPU_X86_VMX": "forbidden" }),
      imageProperties: { "trait:CUSTOM_GPU": "required" },
    },
    reason: "the host lacks HW_CPU_X86_AVX2, CUSTOM_GPU, and the host has HW_CPU_X86_VMX, which may not be",
    remedy: "choose a flavor and an image without these",
  },
  {
    filter: "traits",
    when: "all are there in another spelling",
    host: { features: ["avx512_vnni", "CUSTOM_GPU"] },
    asked: {
      ...specs({ "trait:HW_CPU_X86_AVX512VNNI": "required" }),
      imageProperties: { "trait:CUSTOM_GPU": "required" },
    },
  },
  {
    filter: "pinning",
    when: "too few CPUs are nobody's own",
    host: { ...nodes, pinnedCpus: 6 },
    asked: { vcpus: 4, ...specs({ "hw:cpu_policy": "dedicated" }) },
    reason: "4 CPUs of its own are asked for, 2 of 8 are nobody's own",
    remedy: `free 2 CPUs more or ${pinnedRemedy}`,
  },
  {
    filter: "pinning",
    when: "those who share need the CPUs",
    host: { ...nodes, vcpusClaimed: 12 },
    asked: { vcpus: 4, ...specs({ "hw:cpu_policy": "dedicated" }) },
    reason: "4 CPUs of its own are asked for, and the guests that share CPUs need these",
    remedy: `move guests that share CPUs away, or ${pinnedRemedy}`,
  },
  {
    filter: "pinning",
    when: "guests' own CPUs leave too few to share",
    host: { ...nodes, pinnedCpus: 6, vcpusClaimed: 9 },
    asked: { vcpus: 2 },
    reason: "2 vCPUs are asked for, 1 is free beside 6 CPUs of guests' own",
    remedy: "free 1 vCPU more or move a guest with CPUs of its own away",
  },
  {
    filter: "pinning",
    when: "there are enough to share",
    host: { ...nodes, pinnedCpus: 6, vcpusClaimed: 8 },
    asked: { vcpus: 2 },
  },
  {
    filter: "numa",
    when: "a NUMA node has too few CPUs",
    host: { ...nodes, numa: [node] },
    asked: { vcpus: 6, ...specs({ "hw:numa_nodes": "1" }) },
    reason: "1 NUMA node with 6 CPUs is asked for, 0 have them",
    remedy: "choose a flavor with hw:numa_nodes 2 or less in each NUMA node",
  },
  {
    filter: "numa",
    when: "there are too few NUMA nodes with so much memory",
    host: { ...nodes, numa: [node, { ...node, memoryMib: 1_024 }] },
    asked: { vcpus: 2, memoryMib: 4_096, ...specs({ "hw:numa_nodes": "2" }) },
    reason: "2 NUMA nodes with 2048 MiB are asked for, 1 has them",
    remedy: "choose a flavor with less in each NUMA node",
  },
  {
    filter: "numa",
    when: "pages of the size are taken",
    host: {
      ...nodes,
      numaClaimed: [
        { pinnedCpus: 0, memoryMib: 0, hugePages: [{ sizeKib: 2_048, claimed: 400 }] },
        { pinnedCpus: 0, memoryMib: 0, hugePages: [{ sizeKib: 2_048, claimed: 300 }] },
      ],
    },
    asked: specs({ "hw:mem_page_size": "2MB" }),
    reason: "1 NUMA node with 512 MiB in 2 MiB pages is asked for, 0 have them",
    remedy: "give the host more pages of this size, or choose a flavor with hw:mem_page_size any",
  },
  {
    filter: "numa",
    when: "there are no pages of the size",
    host: nodes,
    asked: specs({ "hw:mem_page_size": "1GB" }),
    reason: "1 NUMA node with 512 MiB in 1 GiB pages is asked for, 0 have them",
    remedy: "give the host more pages of this size, or choose a flavor with hw:mem_page_size any",
  },
  {
    filter: "numa",
    when: "both NUMA nodes have half of it",
    host: nodes,
    asked: {
      vcpus: 8,
      memoryMib: 2_048,
      ...specs({ "hw:numa_nodes": "2", "hw:cpu_policy": "dedicated", "hw:mem_page_size": "large" }),
    },
  },
  {
    filter: "numa",
    when: "it does not report its NUMA nodes",
    host: {},
    asked: specs({ "hw:numa_nodes": "1" }),
    reason: "the host offers no NUMA nodes: it does not know them, or its agent cannot bind guests to them",
    remedy: "choose a flavor without hw:numa_nodes, hw:cpu_policy and hw:mem_page_size",
  },
  {
    filter: "numa",
    when: "the flavor makes no sense",
    host: nodes,
    asked: { vcpus: 3, ...specs({ "hw:numa_nodes": "2" }) },
    reason: "the flavor's 3 vCPUs and 512 MiB do not divide evenly into 2 NUMA nodes",
    remedy: "choose another flavor",
  },
  {
    filter: "numa",
    when: "ordinary pages will do",
    host: {},
    asked: specs({ "hw:mem_page_size": "any", "hw:cpu_policy": "shared" }),
  },
];
