/**
 * Hosts and requests for the scheduler's benchmark, the same in every run: three zones, eight aggregates of
 * hardware, two kinds of processors, NUMA nodes and huge pages on every fourth host, and 200,000 instances on
 * ten thousand hosts, twenty on each.
 */

import type { PlacementRequest } from "../../actors/control/scheduler/messages.ts";
import type { HostExtras } from "../../actors/control/scheduler/state.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { createRandom } from "../chaos/random.ts";
import { usualHypervisor } from "../drivers/built-in.ts";

export type BenchHost = HostRecord & HostExtras;

const instancesPerHost = 20;
const nowMs = 1_000_000;

export const idOf = (index: number): string => `host-${String(index).padStart(6, "0")}`;

const flags = Array.from({ length: 80 }, (_, index) => `flag_${index}`);
const processors = [
  [...flags, "avx2", "aes"],
  [...flags, "avx2", "aes", "avx512f", "avx512_vnni"],
];

/** Host records as from a store: no two of them share a list or a text. */
export function benchHosts(count: number): BenchHost[] {
  const { next } = createRandom(count, "bench");
  const hosts = Array.from({ length: count }, (_, index) => benchHost(index, next));
  return JSON.parse(JSON.stringify(hosts)) as BenchHost[];
}

function benchHost(index: number, next: () => number): BenchHost {
  const nodes = index % 4 === 0 ? 2 : 0;
  // Claims of instances of 1 to 3 vCPUs with 2 GiB each.
  const vcpusClaimed = instancesPerHost + Math.floor(next() * 2 * instancesPerHost);
  return {
    ...plain(index),
    vcpus: 64 * 4,
    memoryMib: 256 * 1024,
    diskGib: 4_096,
    version: 1,
    enabled: next() > 0.01,
    disabledReason: null,
    draining: null,
    vcpusClaimed,
    memoryMibClaimed: vcpusClaimed * 2_048,
    diskGibClaimed: vcpusClaimed * 20,
    instances: instancesPerHost,
    facts: {},
    factsAwaited: [],
    labels: { rack: `r${index % 40}`, weight: index % 10 === 0 ? "0.2" : "0" },
    features: processors[index % 2] ?? [],
    machineTypes: ["q35", "pc"],
    drivers: null,
    numa: Array.from({ length: nodes }, () => ({
      vcpus: 32,
      memoryMib: 128 * 1024,
      hugePages: [{ sizeKib: 2_048, total: 16_384 }],
    })),
    numaClaimed: Array.from({ length: nodes }, () => ({
      pinnedCpus: Math.floor(next() * 16),
      memoryMib: 0,
      hugePages: [{ sizeKib: 2_048, claimed: Math.floor(next() * 8_192) }],
    })),
    pinnedCpus: nodes === 0 ? 0 : 16,
    failedBuilds: next() < 0.02 ? 1 : 0,
    failedBuildsOf: null,
    ioOps: Math.floor(next() * 4),
    storageId: `ceph-${index % 3}`,
    storage: null,
    aggregates: [zone(index % 3), hardware(index % 8)],
    leaseHeld: next() > 0.005,
    generation: 1,
    lease: null,
  };
}

const plain = (index: number) =>
  ({
    id: idOf(index),
    number: index + 1,
    name: `node-${index}`,
    bootId: "boot",
    architecture: "x86_64",
    hypervisor: usualHypervisor,
    accelerator: "kvm",
    acceleratorReason: "",
    hypervisorVersion: "9.0",
    registeredAtMs: 0,
    lastSeenAtMs: nowMs,
  }) as const;

const zone = (index: number) => ({
  id: `zone-${index}`,
  name: `az${index}`,
  availabilityZone: `az${index}`,
  metadata: {},
});

const hardware = (index: number) => ({
  id: `hardware-${index}`,
  name: `hardware-${index}`,
  availabilityZone: null,
  metadata: {
    ssd: index < 4 ? "true" : "false",
    generation: String(index),
    ...(index === 7 ? { filter_tenant_id: "bank,insurance" } : {}),
    ...(index === 6 ? { io_ops_weight_multiplier: "-2", max_io_ops_per_host: "8" } : {}),
  },
});

const base: PlacementRequest = {
  vcpus: 2,
  memoryMib: 4_096,
  diskGib: 40,
  image: { architecture: "x86_64", hypervisor: usualHypervisor, memoryMibMin: 512, diskGibMin: 10 },
  imageProperties: { hw_machine_type: "q35", os_distro: "debian" },
  excluded: [],
  project: "demo",
  flavor: "m1.medium",
};

const some = (count: number, length: number): string[] =>
  Array.from({ length: count }, (_, index) => idOf((index * 7_919) % length));

/** Requests by name; `everything` gives every filter and every weigher something to do. */
export const benchRequests = (hosts: number): Readonly<Record<string, PlacementRequest>> => ({
  plain: base,
  zone: { ...base, availabilityZone: "az1" },
  antiAffinity: { ...base, group: { id: "g", policy: "anti-affinity", hostIds: some(50, hosts) } },
  softAntiAffinity: { ...base, group: { id: "g", policy: "soft-anti-affinity", hostIds: some(50, hosts) } },
  specs: {
    ...base,
    extraSpecs: {
      "aggregate_instance_extra_specs:ssd": "true",
      "capabilities:rack": "<or> r1 <or> r2 <or> r4 <or> r8 <or> r11",
      "trait:HW_CPU_X86_AVX2": "required",
    },
  },
  numa: {
    ...base,
    extraSpecs: { "hw:numa_nodes": "2", "hw:cpu_policy": "dedicated", "hw:mem_page_size": "2MB" },
  },
  everything: {
    ...base,
    availabilityZone: "az1",
    storageId: "ceph-1",
    extraSpecs: {
      "aggregate_instance_extra_specs:ssd": "true",
      "capabilities:rack": "s!= r0",
      "capabilities:free_ram_mb": ">= 4096",
      "trait:HW_CPU_X86_AVX2": "required",
      "trait:CUSTOM_GPU": "forbidden",
      "hw:numa_nodes": "2",
      "hw:cpu_policy": "dedicated",
      "hw:mem_page_size": "2MB",
    },
    hints: { differentHost: some(20, hosts), sameHost: some(300, hosts).slice(30) },
    group: { id: "g", policy: "anti-affinity", hostIds: some(50, hosts), maxPerHost: 2 },
    excluded: [{ hostId: idOf(1), reason: "full" }],
  },
  nothingFits: { ...base, memoryMib: fieldLimits.memoryMibMax },
});
