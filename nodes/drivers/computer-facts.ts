/**
 * Facts about the computer under a node, as Linux reports them: the flags of its CPUs, and its memory by NUMA
 * node with the huge pages of each. Best effort: what cannot be read is empty, and the node starts all the
 * same.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import type { HostInventory } from "../../protocol/machine.ts";

type NumaNodes = NonNullable<HostInventory["numa"]>;

/** The file's text; empty when it cannot be read. */
const textOf = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
const namesIn = (path: string): Promise<string[]> => readdir(path).catch((): string[] => []);

/** The flags of the first CPU, which stand for all CPUs; `Features` is ARM's word for them. */
export async function cpuFeatures(file = "/proc/cpuinfo"): Promise<string[]> {
  const [, flags = ""] = /^(?:flags|Features)\s*:\s*(.+)$/m.exec(await textOf(file)) ?? [];
  const words = flags.split(/\s+/).filter((word) => word !== "" && word.length <= fieldLimits.idLengthMax);
  return [...new Set(words)].sort().slice(0, fieldLimits.hostFeaturesMax);
}

/** A NUMA node as Linux numbers it, with the numbers of its CPUs that this process may use. */
export interface HostNumaNode {
  readonly node: number;
  readonly cpus: readonly number[];
}

const nodesDirectory = "/sys/devices/system/node";
const statusFile = "/proc/self/status";

/** The NUMA nodes of the computer by number; the same ones in the same order as in {@link numaNodes}. */
export async function hostNumaNodes(
  directory = nodesDirectory,
  status = statusFile,
): Promise<HostNumaNode[]> {
  const numbers = (await namesIn(directory)).flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? []);
  const ordered = numbers.map(Number).sort((left, right) => left - right);
  const [, allowed] = /^Cpus_allowed_list:\s*(\S+)/m.exec(await textOf(status)) ?? [];
  const mine = allowed === undefined ? undefined : new Set(cpusOfList(allowed));
  return Promise.all(
    ordered.slice(0, fieldLimits.hostNumaNodesMax).map(async (node) => {
      const cpus = cpusOfList(await textOf(join(directory, `node${node}`, "cpulist")));
      return { node, cpus: cpus.filter((cpu) => mine?.has(cpu) ?? true) };
    }),
  );
}

/** The inventory of the NUMA nodes, by number. */
export async function numaNodes(directory = nodesDirectory, status = statusFile): Promise<NumaNodes> {
  const nodes = await hostNumaNodes(directory, status);
  return Promise.all(nodes.map(({ node, cpus }) => numaNode(join(directory, `node${node}`), cpus.length)));
}

async function numaNode(directory: string, vcpus: number): Promise<NumaNodes[number]> {
  const [memory, sizes] = await Promise.all([
    textOf(join(directory, "meminfo")),
    namesIn(join(directory, "hugepages")),
  ]);
  const [, kib = "0"] = /MemTotal:\s+(\d+) kB/.exec(memory) ?? [];
  const sizesKib = sizes.flatMap((name) => /^hugepages-(\d+)kB$/.exec(name)?.[1] ?? []);
  const hugePages = await Promise.all(
    sizesKib.map(async (size) => ({
      sizeKib: Number(size),
      total: countOf(await textOf(join(directory, "hugepages", `hugepages-${size}kB`, "nr_hugepages"))),
    })),
  );
  hugePages.sort((left, right) => left.sizeKib - right.sizeKib);
  return { vcpus, memoryMib: Math.floor(Number(kib) / 1_024), hugePages };
}

const countOf = (text: string): number => (/^\d+\s*$/.test(text) ? Number(text) : 0);

/** The numbers in a list such as `0-3,8`, in order. */
export function cpusOfList(text: string): number[] {
  return [...text.matchAll(/(\d+)(?:-(\d+))?/g)].flatMap(([, from, to = from]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index),
  );
}
