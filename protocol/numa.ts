/**
 * NUMA nodes of hosts, and what guests are given of them: CPUs of their own, memory of certain NUMA nodes,
 * huge pages. A NUMA node is identified by its position in the host's inventory. The arithmetic is here, so
 * that proposing, committing and showing a claim count alike. Pure.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { answer, Count } from "./wire/schema.ts";

/** One NUMA node of a host: its CPUs and its memory. */
export const NumaNode = answer({
  vcpus: Count,
  /** In MiB; the memory that is set aside for huge pages is part of it. */
  memoryMib: Count,
  hugePages: Type.Array(answer({ sizeKib: Count, total: Count }), { maxItems: 16 }),
});
export type NumaNode = Static<typeof NumaNode>;

/**
 * What a guest is given of its host's NUMA nodes. The guest sees one NUMA node for each entry, in this order;
 * all have the same size.
 */
export const NumaPlacement = answer({
  /** True: the guest's CPUs are shared with no other guest. */
  dedicated: Type.Boolean(),
  nodes: Type.Array(
    answer({
      /** Position of the NUMA node in the host's `numa`. */
      node: Count,
      vcpus: Count,
      memoryMib: Count,
      /** Size of the huge pages that the memory is taken from. Absent: ordinary pages. */
      pageKib: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
    { minItems: 1, maxItems: fieldLimits.hostNumaNodesMax },
  ),
});
export type NumaPlacement = Static<typeof NumaPlacement>;

/** How much of one NUMA node is claimed. */
export const NumaUse = answer({
  pinnedCpus: Count,
  /** In MiB of ordinary pages; huge pages are counted in `hugePages`. */
  memoryMib: Count,
  /** In order of page size; sizes of which nothing is claimed are left out. */
  hugePages: Type.Array(answer({ sizeKib: Count, claimed: Count })),
});
export type NumaUse = Static<typeof NumaUse>;

export const nothingUsed: NumaUse = { pinnedCpus: 0, memoryMib: 0, hugePages: [] };

/** Number of CPUs that this placement gives to its guest alone. */
export const pinnedBy = ({ dedicated, nodes }: NumaPlacement): number =>
  dedicated ? nodes.reduce((sum, { vcpus }) => sum + vcpus, 0) : 0;

/** Memory of a NUMA node that is not set aside for huge pages, in MiB. */
export function ordinaryMib({ memoryMib, hugePages }: NumaNode): number {
  const pagesKib = hugePages.reduce((sum, { sizeKib, total }) => sum + sizeKib * total, 0);
  return Math.max(0, memoryMib - Math.floor(pagesKib / 1_024));
}

/**
 * The uses after a placement is added (`times` 1) or removed (-1); unused NUMA nodes at the end are left out.
 */
export function useWith(
  uses: readonly NumaUse[],
  { dedicated, nodes }: NumaPlacement,
  times: 1 | -1,
): NumaUse[] {
  const after = [...uses];
  for (const { node, vcpus, memoryMib, pageKib } of nodes) {
    while (after.length <= node) after.push(nothingUsed);
    const use = after[node] ?? nothingUsed;
    const pinnedCpus = use.pinnedCpus + times * (dedicated ? vcpus : 0);
    after[node] =
      pageKib === undefined
        ? { ...use, pinnedCpus, memoryMib: use.memoryMib + times * memoryMib }
        : { ...use, pinnedCpus, hugePages: pagesWith(use, pageKib, (times * memoryMib * 1_024) / pageKib) };
  }
  while (after.length > 0 && isUnused(after.at(-1))) after.pop();
  return after;
}

function pagesWith({ hugePages }: NumaUse, sizeKib: number, more: number): NumaUse["hugePages"] {
  const before = hugePages.find((one) => one.sizeKib === sizeKib)?.claimed ?? 0;
  const others = hugePages.filter((one) => one.sizeKib !== sizeKib);
  const all = before + more === 0 ? others : [...others, { sizeKib, claimed: before + more }];
  return all.sort((left, right) => left.sizeKib - right.sizeKib);
}

const isUnused = (use: NumaUse | undefined): boolean =>
  use === undefined || (use.pinnedCpus === 0 && use.memoryMib === 0 && use.hugePages.length === 0);

/** True when more of some NUMA node is claimed than the node has. */
export const isOverused = (nodes: readonly NumaNode[], uses: readonly NumaUse[]): boolean =>
  uses.some((use, index) => {
    const node = nodes[index];
    if (node === undefined) return !isUnused(use);
    const pages = (sizeKib: number) => node.hugePages.find((one) => one.sizeKib === sizeKib)?.total ?? 0;
    return (
      use.pinnedCpus > node.vcpus ||
      use.memoryMib > ordinaryMib(node) ||
      use.hugePages.some(({ sizeKib, claimed }) => claimed > pages(sizeKib))
    );
  });

export interface CpuPools {
  /** CPUs of the host, without any overcommit ratio. */
  readonly realCpus: number;
  readonly pinnedCpus: number;
  /** vCPUs of the host: its CPUs times the overcommit ratio. */
  readonly vcpus: number;
  /** vCPUs claimed by all guests, those with CPUs of their own included. */
  readonly vcpusClaimed: number;
}

/**
 * vCPUs still free for guests that share CPUs: the CPUs that no guest has for itself, times the overcommit
 * ratio, less the vCPUs already claimed by sharing guests. Negative when too many are claimed already.
 */
export const sharedFree = ({ realCpus, pinnedCpus, vcpus, vcpusClaimed }: CpuPools): number =>
  realCpus === 0
    ? vcpus - vcpusClaimed
    : Math.floor(((realCpus - pinnedCpus) * vcpus) / realCpus) - (vcpusClaimed - pinnedCpus);

export const realCpusOf = (nodes: readonly NumaNode[]): number =>
  nodes.reduce((sum, { vcpus }) => sum + vcpus, 0);
