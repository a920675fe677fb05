/**
 * What the machine under a node is, as Linux tells it: the flags of its CPUs, and its memory by NUMA node
 * with the huge pages of each. Best effort: what cannot be read is empty, and the node starts all the same.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { limits } from "../../protocol/limits.ts";
import type { HostInventory } from "../../protocol/machine.ts";

type NumaNodes = NonNullable<HostInventory["numa"]>;

/** Empty when it cannot be read. */
const textOf = (path: string): Promise<string> => readFile(path, "utf8").catch(() => "");
const namesIn = (path: string): Promise<string[]> => readdir(path).catch((): string[] => []);

/** Flags that all CPUs have are those of the first; `Features` is what ARM calls them. */
export async function cpuFeatures(file = "/proc/cpuinfo"): Promise<string[]> {
  const [, flags = ""] = /^(?:flags|Features)\s*:\s*(.+)$/m.exec(await textOf(file)) ?? [];
  const words = flags.split(/\s+/).filter((word) => word !== "" && word.length <= limits.idLengthMax);
  return [...new Set(words)].sort().slice(0, limits.hostFeaturesMax);
}

/** In the order of their numbers. */
export async function numaNodes(directory = "/sys/devices/system/node"): Promise<NumaNodes> {
  const numbers = (await namesIn(directory)).flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? []);
  const ordered = numbers.map(Number).sort((left, right) => left - right);
  const nodes = ordered.slice(0, limits.hostNumaNodesMax).map((number) => join(directory, `node${number}`));
  return Promise.all(nodes.map(numaNode));
}

async function numaNode(directory: string): Promise<NumaNodes[number]> {
  const [cpus, memory, sizes] = await Promise.all([
    textOf(join(directory, "cpulist")),
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
  return { vcpus: lengthOfList(cpus), memoryMib: Math.floor(Number(kib) / 1_024), hugePages };
}

const countOf = (text: string): number => (/^\d+\s*$/.test(text) ? Number(text) : 0);

/** How many numbers are in a list such as `0-3,8`. */
function lengthOfList(text: string): number {
  const ranges = [...text.matchAll(/(\d+)(?:-(\d+))?/g)];
  return ranges.reduce((sum, [, from, to = from]) => sum + Number(to) - Number(from) + 1, 0);
}
