/**
 * NUMA cells of hosts, and what guests have of them: who is given CPUs of its own, memory of certain cells or
 * huge pages. A cell is named by its position in what its host says about itself. The arithmetic is here, so
 * that whoever proposes, whoever commits and whoever shows a claim count alike. Pure.
 */
import { type Static, Type } from "@sinclair/typebox";
import { limits } from "./limits/limits.ts";
import { answer, Count } from "./wire/schema.ts";

/** One node of the machine's memory. */
export const NumaNode = answer({
  vcpus: Count,
  /** Huge pages included. */
  memoryMib: Count,
  hugePages: Type.Array(answer({ sizeKib: Count, total: Count }), { maxItems: 16 }),
});
export type NumaNode = Static<typeof NumaNode>;

/** What a guest has of its host's cells; its own NUMA nodes are these, in this order, all alike. */
export const NumaPlacement = answer({
  /** Its CPUs are nobody else's. */
  dedicated: Type.Boolean(),
  cells: Type.Array(
    answer({
      /** Position in the host's `numa`. */
      cell: Count,
      vcpus: Count,
      memoryMib: Count,
      /** The memory is in huge pages of this size. Absent: in ordinary ones. */
      pageKib: Type.Optional(Type.Integer({ minimum: 1 })),
    }),
    { minItems: 1, maxItems: limits.hostNumaNodesMax },
  ),
});
export type NumaPlacement = Static<typeof NumaPlacement>;

/** What of a cell is taken. */
export const NumaUse = answer({
  pinnedCpus: Count,
  /** In ordinary pages. */
  memoryMib: Count,
  /** In order of size; none that is not used. */
  hugePages: Type.Array(answer({ sizeKib: Count, claimed: Count })),
});
export type NumaUse = Static<typeof NumaUse>;

export const nothingUsed: NumaUse = { pinnedCpus: 0, memoryMib: 0, hugePages: [] };

/** CPUs that guests have to themselves by this placement. */
export const pinnedBy = ({ dedicated, cells }: NumaPlacement): number =>
  dedicated ? cells.reduce((sum, { vcpus }) => sum + vcpus, 0) : 0;

/** Memory that is not set aside for huge pages. */
export function ordinaryMib({ memoryMib, hugePages }: NumaNode): number {
  const pagesKib = hugePages.reduce((sum, { sizeKib, total }) => sum + sizeKib * total, 0);
  return Math.max(0, memoryMib - Math.floor(pagesKib / 1_024));
}

/** The uses with a placement more, or less; cells at the end that are not used are left out. */
export function useWith(
  uses: readonly NumaUse[],
  { dedicated, cells }: NumaPlacement,
  times: 1 | -1,
): NumaUse[] {
  const after = [...uses];
  for (const { cell, vcpus, memoryMib, pageKib } of cells) {
    while (after.length <= cell) after.push(nothingUsed);
    const use = after[cell] ?? nothingUsed;
    const pinnedCpus = use.pinnedCpus + times * (dedicated ? vcpus : 0);
    after[cell] =
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

/** More is taken of some cell than is there. */
export const isOverused = (cells: readonly NumaNode[], uses: readonly NumaUse[]): boolean =>
  uses.some((use, index) => {
    const cell = cells[index];
    if (cell === undefined) return !isUnused(use);
    const pages = (sizeKib: number) => cell.hugePages.find((one) => one.sizeKib === sizeKib)?.total ?? 0;
    return (
      use.pinnedCpus > cell.vcpus ||
      use.memoryMib > ordinaryMib(cell) ||
      use.hugePages.some(({ sizeKib, claimed }) => claimed > pages(sizeKib))
    );
  });

export interface CpuPools {
  /** CPUs that are there, without any ratio. */
  readonly realCpus: number;
  readonly pinnedCpus: number;
  /** Times the overcommit ratio. */
  readonly vcpus: number;
  /** With those that are guests' own. */
  readonly vcpusClaimed: number;
}

/**
 * The two pools of a host's CPUs: so many vCPUs may guests have together that share what is nobody's own.
 * Negative: too many are given away already.
 */
export const sharedFree = ({ realCpus, pinnedCpus, vcpus, vcpusClaimed }: CpuPools): number =>
  realCpus === 0
    ? vcpus - vcpusClaimed
    : Math.floor(((realCpus - pinnedCpus) * vcpus) / realCpus) - (vcpusClaimed - pinnedCpus);

export const realCpusOf = (cells: readonly NumaNode[]): number =>
  cells.reduce((sum, { vcpus }) => sum + vcpus, 0);
