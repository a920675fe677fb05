/**
 * NUMA nodes, pinned CPUs and huge pages: what a flavor asks for in Nova's words, and which NUMA nodes of a
 * host can give it. The commit of the claim judges the choice once more. Pure.
 *
 * As in Nova, pinned CPUs or large pages give a guest one NUMA node unless hw:numa_nodes says otherwise.
 */
import {
  type NumaNode,
  type NumaPlacement,
  type NumaUse,
  nothingUsed,
  ordinaryMib,
} from "../../../protocol/numa.ts";
import { counted } from "../../../protocol/wire/wording.ts";

export interface NumaDemand {
  readonly nodes: number;
  /** Of each guest node, like `memoryMib`. */
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly dedicated: boolean;
  /** Page size in KiB; `large`: any size but the smallest; undefined: ordinary pages will do. */
  readonly page: number | "large" | undefined;
}

type Specs = Readonly<Record<string, string>> | undefined;

interface Asked {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly extraSpecs?: Specs;
}

/** Whether the guest's CPUs are pinned. */
export const isDedicated = (specs: Specs): boolean => specs?.["hw:cpu_policy"] === "dedicated";

/** What extra specs ask for. Undefined: no NUMA placement. A text: why they contradict each other. */
export function numaDemand({ vcpus, memoryMib, extraSpecs }: Asked): NumaDemand | string | undefined {
  if (extraSpecs === undefined) return undefined;
  const policy = extraSpecs["hw:cpu_policy"];
  if (policy !== undefined && policy !== "dedicated" && policy !== "shared")
    return `hw:cpu_policy is ${policy}; it can be dedicated or shared`;
  const page = pageOf(extraSpecs["hw:mem_page_size"]);
  if (page === "unknown")
    return `hw:mem_page_size is ${extraSpecs["hw:mem_page_size"]}, which is no size of a page`;
  const text = extraSpecs["hw:numa_nodes"];
  const dedicated = policy === "dedicated";
  if (text === undefined && !dedicated && page === undefined) return undefined;
  const nodes = Number(text ?? 1);
  if (!Number.isInteger(nodes) || nodes < 1)
    return `hw:numa_nodes is ${text}; it must be a whole number from 1`;
  if (vcpus % nodes !== 0 || memoryMib % nodes !== 0)
    return `${counted(vcpus, "vCPU")} and ${memoryMib} MiB do not divide evenly into ${nodes} NUMA nodes`;
  return { nodes, vcpus: vcpus / nodes, memoryMib: memoryMib / nodes, dedicated, page };
}

const unitsKib: Readonly<Record<string, number>> = { "": 1, k: 1, m: 1024, g: 1024 * 1024 };

function pageOf(text: string | undefined): number | "large" | "unknown" | undefined {
  if (text === undefined || text === "small" || text === "any") return undefined;
  if (text === "large") return "large";
  const [, digits, unit = ""] = /^(\d+)\s*([kmg]?)(?:i?b)?$/i.exec(text) ?? [];
  const sizeKib = Number(digits) * (unitsKib[unit.toLowerCase()] ?? Number.NaN);
  if (!(sizeKib > 0)) return "unknown";
  return sizeKib <= ordinaryPageKib ? undefined : sizeKib;
}

const ordinaryPageKib = 4;

interface NumaHost {
  readonly numa: readonly NumaNode[];
  readonly numaUse: readonly NumaUse[];
}

const useOf = ({ numaUse }: NumaHost, index: number): NumaUse => numaUse[index] ?? nothingUsed;

/** Positions of the first NUMA nodes that can give it; undefined when there are too few. */
export function numaNodesFor(host: NumaHost, demand: NumaDemand): readonly number[] | undefined {
  const chosen: number[] = [];
  for (let index = 0; index < host.numa.length && chosen.length < demand.nodes; index++)
    if (nodeGives(host, index, demand)) chosen.push(index);
  return chosen.length === demand.nodes ? chosen : undefined;
}

/** What the guest gets of the host's NUMA nodes; undefined when there are too few that have enough. */
export function placementFor(host: NumaHost, demand: NumaDemand): NumaPlacement | undefined {
  const chosen = numaNodesFor(host, demand);
  if (chosen === undefined) return undefined;
  const { vcpus, memoryMib, dedicated } = demand;
  const nodes = chosen.map((index) => {
    const node = host.numa[index];
    const asks = node !== undefined && demand.page !== undefined;
    const pageKib = asks ? pageFor(node, useOf(host, index), demand) : undefined;
    return { node: index, vcpus, memoryMib, ...(pageKib === undefined ? {} : { pageKib }) };
  });
  return { dedicated, nodes };
}

/** How many NUMA nodes could give each resource alone, to say which one is short. */
export function numaNodesGiving(host: NumaHost, demand: NumaDemand) {
  const count = (gives: (node: NumaNode, use: NumaUse) => boolean) =>
    host.numa.filter((node, index) => gives(node, useOf(host, index))).length;
  return {
    cpus: count((node, use) => givesCpus(node, use, demand)),
    memory: count((node, use) => givesMemory(node, use, demand)),
    pages: count((node, use) => demand.page === undefined || pageFor(node, use, demand) !== undefined),
  };
}

function nodeGives(host: NumaHost, index: number, demand: NumaDemand): boolean {
  const node = host.numa[index];
  const use = useOf(host, index);
  if (node === undefined || !givesCpus(node, use, demand)) return false;
  return demand.page === undefined
    ? givesMemory(node, use, demand)
    : pageFor(node, use, demand) !== undefined;
}

/** CPUs that are pinned for another guest cannot be shared either. */
const givesCpus = (node: NumaNode, use: NumaUse, { vcpus }: NumaDemand): boolean =>
  vcpus <= node.vcpus - use.pinnedCpus;

const givesMemory = (node: NumaNode, use: NumaUse, { memoryMib }: NumaDemand): boolean =>
  memoryMib <= ordinaryMib(node) - use.memoryMib;

/** The largest page size that fits, in KiB. */
function pageFor(node: NumaNode, use: NumaUse, { page, memoryMib }: NumaDemand): number | undefined {
  let best: number | undefined;
  for (const { sizeKib, total } of node.hugePages) {
    if (page === "large" ? sizeKib <= ordinaryPageKib : sizeKib !== page) continue;
    const pages = (memoryMib * 1024) / sizeKib;
    const claimed = use.hugePages.find((one) => one.sizeKib === sizeKib)?.claimed ?? 0;
    if (Number.isInteger(pages) && pages <= total - claimed && sizeKib > (best ?? 0)) best = sizeKib;
  }
  return best;
}
