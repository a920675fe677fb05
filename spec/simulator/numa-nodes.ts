/** NUMA nodes of simulated hosts. Pure. */
import type { NumaNode } from "../../protocol/numa.ts";

/** Half as many CPUs as vCPUs, so that dedicated CPUs leave guests that share CPUs short of room. */
export function numaNodesOf(count: number, vcpus: number): NumaNode[] {
  const cpus = Math.max(1, Math.floor(vcpus / 2));
  return Array.from({ length: count }, (_, node) => ({
    vcpus: Math.floor((cpus + node) / count),
    memoryMib: vcpus * 256,
    hugePages: [],
  }));
}
