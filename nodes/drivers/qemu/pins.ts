/**
 * The host's CPUs and NUMA nodes that a guest is pinned to: chosen when the guest's process is started,
 * written into the process's own arguments in QEMU's words, and read back from there. So the kernel's process
 * table alone tells which CPUs are taken, also to an agent that has just started. Pure.
 */
import type { NumaPlacement } from "../../../protocol/numa.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { counted, isOrAre } from "../../../protocol/wire/wording.ts";
import type { HostNumaNode } from "../computer-facts.ts";

export interface Pins {
  /** Linux's numbers of the NUMA nodes of the guest's memory, one for each of the guest's own NUMA nodes. */
  readonly nodes: readonly number[];
  /** The CPU of each vCPU, shared with no other guest; undefined: the guest shares CPUs with others. */
  readonly own: readonly number[] | undefined;
}

/**
 * Chooses the first CPUs of each NUMA node that no guest has for itself. `taken`: those that some guest has.
 * @throws INTERNAL hypervisorRefused when the host has no such NUMA node, or too few free CPUs in it
 */
export function choosePins(
  placement: NumaPlacement,
  offered: readonly HostNumaNode[],
  taken: ReadonlySet<number>,
): Pins {
  const own: number[] = [];
  const nodes = placement.nodes.map(({ node, vcpus }) => {
    const found = offered[node];
    if (found === undefined) throw refusal(`This host has no NUMA node ${node}.`);
    const free = found.cpus.filter((cpu) => !taken.has(cpu));
    if (placement.dedicated && free.length < vcpus) throw refusal(shortage(node, free.length, vcpus));
    own.push(...free.slice(0, vcpus));
    return found.node;
  });
  return { nodes, own: placement.dedicated ? own : undefined };
}

function shortage(node: number, free: number, needed: number): string {
  const there = `${counted(free, "CPU")} that ${isOrAre(free)} nobody's own`;
  return `NUMA node ${node} has ${there}; ${needed} ${isOrAre(needed)} needed.`;
}

const refusal = (message: string) => new StatusError("hypervisorRefused", message);

/** The pins that {@link numaArguments} wrote into the arguments of a living process; undefined: none. */
export function pinsOfArgv(argv: readonly string[]): Pins | undefined {
  const objects = argv.flatMap((text, index) => (argv[index - 1] === "-object" ? parsed(text) : []));
  const nodes = objects.flatMap((object) => numbers(object["host-nodes"]));
  if (nodes.length === 0) return undefined;
  const own = objects.find((object) => object.id === cpusId)?.["cpu-affinity"];
  return { nodes, own: own === undefined ? undefined : numbers(own) };
}

const cpusId = "cpus";

function parsed(text: string): Readonly<Record<string, unknown>>[] {
  if (!text.startsWith("{")) return [];
  try {
    const object: unknown = JSON.parse(text);
    return typeof object === "object" && object !== null ? [Object.fromEntries(Object.entries(object))] : [];
  } catch {
    // Not an argument of ours, so it holds no pins.
    return [];
  }
}

const numbers = (value: unknown): number[] =>
  Array.isArray(value) ? value.filter((one): one is number => typeof one === "number") : [];

/** Where a guest's memory comes from, and which CPUs touch it, for a guest with NUMA nodes. */
export function numaMemory({ nodes: asked }: NumaPlacement, { nodes, own }: Pins): readonly string[] {
  // QEMU's threads that touch the memory before the guest does run on the guest's CPUs as well.
  const context = own && { "qom-type": "thread-context", id: cpusId, "cpu-affinity": own };
  const memory = asked.flatMap(({ memoryMib, pageKib }, index) =>
    object({
      ...(pageKib === undefined ? { "qom-type": "memory-backend-ram" } : hugePages(pageKib)),
      ...(pageKib === undefined || own === undefined ? {} : { "prealloc-context": cpusId }),
      id: memoryId(index),
      size: memoryMib * 1_024 ** 2,
      "host-nodes": [nodes[index]],
      policy: "bind",
    }),
  );
  return [...(context === undefined ? [] : object(context)), ...memory];
}

/** The processors and NUMA nodes as the guest sees them. */
export function numaTopology({ nodes }: NumaPlacement): readonly string[] {
  const cores = nodes[0]?.vcpus ?? 0;
  const smp = `cpus=${nodes.length * cores},sockets=${nodes.length},cores=${cores},threads=1`;
  const topology = nodes.flatMap((_, index) => [
    "-numa",
    `node,nodeid=${index},cpus=${index * cores}-${(index + 1) * cores - 1},memdev=${memoryId(index)}`,
  ]);
  return ["-smp", smp, ...topology];
}

const memoryId = (index: number): string => `numa${index}`;

/**
 * Memory in an anonymous file: no mount of hugetlbfs is needed, nor a right to write there. All pages are
 * taken at the start: a guest that found none later would be ended by SIGBUS.
 */
const hugePages = (pageKib: number) => ({
  "qom-type": "memory-backend-memfd",
  hugetlb: true,
  hugetlbsize: pageKib * 1_024,
  prealloc: true,
  share: false,
});

const object = (properties: Readonly<Record<string, unknown>>): readonly string[] => [
  "-object",
  JSON.stringify(properties),
];

export interface CpuPlan {
  /** CPUs of all threads except those of vCPUs. */
  readonly process: readonly number[];
  /** CPUs of each vCPU; empty: as `process`. */
  readonly vcpus: readonly (readonly number[])[];
}

/** The CPUs on which a guest's threads may run. `taken`: CPUs that some guest has for itself. */
export function cpuPlan(
  pins: Pins | undefined,
  vcpus: number,
  offered: readonly HostNumaNode[],
  taken: ReadonlySet<number>,
): CpuPlan {
  if (pins?.own !== undefined) return { process: pins.own, vcpus: pins.own.map((cpu) => [cpu]) };
  const all = offered.flatMap(({ cpus }) => cpus);
  const shared = all.filter((cpu) => !taken.has(cpu));
  // The rules of claims always leave some shared CPU; should there be none, a guest must still run somewhere.
  const anywhere = shared.length > 0 ? shared : all;
  if (pins === undefined) return { process: anywhere, vcpus: [] };
  const perNode = pins.nodes.map((node) => {
    const cpus = offered.find((one) => one.node === node)?.cpus.filter((cpu) => !taken.has(cpu)) ?? [];
    return cpus.length > 0 ? cpus : anywhere;
  });
  const each = Math.max(1, vcpus / perNode.length);
  return {
    process: [...new Set(perNode.flat())],
    vcpus: Array.from({ length: vcpus }, (_, index) => perNode[Math.floor(index / each)] ?? anywhere),
  };
}
