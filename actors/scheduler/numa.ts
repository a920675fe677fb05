/**
 * NUMA cells, CPUs of one's own and huge pages: what a flavor asks for in Nova's words, and which cells of a
 * host can give it. Whoever commits a claim may use {@link cellsFor} too, so that both choose alike. Pure.
 *
 * As in Nova, CPUs of one's own or large pages make a guest of one cell unless hw:numa_nodes says otherwise.
 */

export interface Cell {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly hugePages: readonly { readonly sizeKib: number; readonly total: number }[];
}

/** What of a cell is taken. */
export interface CellUse {
  readonly pinnedCpus: number;
  readonly memoryMib: number;
  readonly hugePages: readonly { readonly sizeKib: number; readonly claimed: number }[];
}

export interface NumaDemand {
  readonly nodes: number;
  /** Of each node, as is the memory. */
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly dedicated: boolean;
  /** KiB of a page; `large`: any size but the smallest; undefined: ordinary pages will do. */
  readonly page: number | "large" | undefined;
}

type Specs = Readonly<Record<string, string>> | undefined;

interface Asked {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly extraSpecs?: Specs;
}

/** The guest's CPUs are its own. */
export const isDedicated = (specs: Specs): boolean => specs?.["hw:cpu_policy"] === "dedicated";

/** Undefined: any host will do. A text: why what is asked for makes no sense. */
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
    return `${vcpus} vCPUs and ${memoryMib} MiB do not divide evenly into ${nodes} NUMA nodes`;
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

interface Cells {
  readonly numa: readonly Cell[];
  readonly cellUse: readonly CellUse[];
}

const nothingUsed: CellUse = { pinnedCpus: 0, memoryMib: 0, hugePages: [] };

const useOf = ({ cellUse }: Cells, index: number): CellUse => cellUse[index] ?? nothingUsed;

/** The positions of the first cells that can give it; undefined when there are too few. */
export function cellsFor(host: Cells, demand: NumaDemand): readonly number[] | undefined {
  const chosen: number[] = [];
  for (let index = 0; index < host.numa.length && chosen.length < demand.nodes; index++)
    if (cellGives(host, index, demand)) chosen.push(index);
  return chosen.length === demand.nodes ? chosen : undefined;
}

/** Cells that could give each thing alone, for who has to say what is missing. */
export function cellsGiving(host: Cells, demand: NumaDemand) {
  const count = (gives: (cell: Cell, use: CellUse) => boolean) =>
    host.numa.filter((cell, index) => gives(cell, useOf(host, index))).length;
  return {
    cpus: count((cell, use) => givesCpus(cell, use, demand)),
    memory: count((cell, use) => givesMemory(cell, use, demand)),
    pages: count((cell, use) => demand.page === undefined || pageFor(cell, use, demand) !== undefined),
  };
}

function cellGives(host: Cells, index: number, demand: NumaDemand): boolean {
  const cell = host.numa[index];
  const use = useOf(host, index);
  if (cell === undefined || !givesCpus(cell, use, demand)) return false;
  return demand.page === undefined
    ? givesMemory(cell, use, demand)
    : pageFor(cell, use, demand) !== undefined;
}

const givesCpus = (cell: Cell, use: CellUse, { vcpus, dedicated }: NumaDemand): boolean =>
  vcpus <= cell.vcpus - (dedicated ? use.pinnedCpus : 0);

const givesMemory = (cell: Cell, use: CellUse, { memoryMib }: NumaDemand): boolean =>
  memoryMib <= cell.memoryMib - use.memoryMib;

/** The largest page size that suits, in KiB. */
function pageFor(cell: Cell, use: CellUse, { page, memoryMib }: NumaDemand): number | undefined {
  let best: number | undefined;
  for (const { sizeKib, total } of cell.hugePages) {
    if (page === "large" ? sizeKib <= ordinaryPageKib : sizeKib !== page) continue;
    const pages = (memoryMib * 1024) / sizeKib;
    const claimed = use.hugePages.find((one) => one.sizeKib === sizeKib)?.claimed ?? 0;
    if (Number.isInteger(pages) && pages <= total - claimed && sizeKib > (best ?? 0)) best = sizeKib;
  }
  return best;
}

/** What is taken once a guest like this is there as well; unchanged when it does not fit. */
export function useWith(host: Cells, demand: NumaDemand): readonly CellUse[] {
  const chosen = cellsFor(host, demand);
  if (chosen === undefined) return host.cellUse;
  return host.numa.map((cell, index) => {
    const use = useOf(host, index);
    return chosen.includes(index) ? usedBy(cell, use, demand) : use;
  });
}

function usedBy(cell: Cell, use: CellUse, demand: NumaDemand): CellUse {
  const pinnedCpus = use.pinnedCpus + (demand.dedicated ? demand.vcpus : 0);
  const sizeKib = demand.page === undefined ? undefined : pageFor(cell, use, demand);
  if (sizeKib === undefined) return { ...use, pinnedCpus, memoryMib: use.memoryMib + demand.memoryMib };
  const before = use.hugePages.find((one) => one.sizeKib === sizeKib)?.claimed ?? 0;
  const claimed = before + (demand.memoryMib * 1024) / sizeKib;
  const others = use.hugePages.filter((one) => one.sizeKib !== sizeKib);
  return { ...use, pinnedCpus, hugePages: [...others, { sizeKib, claimed }] };
}
