/**
 * A host that comes back with smaller NUMA nodes than its guests' claims is taken as if its nodes were as
 * large as these claims: it counts as full there, and its guests keep their owner. Pure.
 */
import type { HostInventory } from "../../../protocol/machine.ts";
import { type NumaNode, type NumaUse, realCpusOf, sharedFree } from "../../../protocol/numa.ts";
import type { HostRecord } from "../../records/host.ts";

const nothing: NumaNode = { vcpus: 0, memoryMib: 0, hugePages: [] };

/**
 * The inventory with each NUMA node at least as large as its claims, and enough vCPUs for the guests that
 * share CPUs.
 */
export function atLeastBound(
  inventory: HostInventory,
  { numaClaimed, pinnedCpus, vcpusClaimed }: HostRecord,
): Pick<HostInventory, "numa" | "vcpus"> {
  const { numa: said } = inventory;
  const missing = Array.from({ length: numaClaimed.length - said.length }, () => nothing);
  const numa = [...said, ...missing].map((node, index) => atLeast(node, numaClaimed[index]));
  let vcpus = Math.max(inventory.vcpus, vcpusClaimed);
  const realCpus = realCpusOf(numa);
  const short = -sharedFree({ realCpus, pinnedCpus, vcpus, vcpusClaimed });
  if (short <= 0) return { numa, vcpus };
  const shared = realCpus - pinnedCpus;
  // If shared CPUs remain, raise the overcommit until the running guests fit. If all are pinned, pretend one
  // more CPU: the host then counts as full instead of being refused.
  if (shared > 0) vcpus = Math.ceil(((vcpusClaimed - pinnedCpus) * realCpus) / shared);
  else return { numa: withCpu(numa), vcpus: (vcpusClaimed - pinnedCpus) * (realCpus + 1) };
  return { numa, vcpus };
}

function atLeast(node: NumaNode, use: NumaUse | undefined): NumaNode {
  if (use === undefined) return node;
  const sizes = new Set([...node.hugePages, ...use.hugePages].map(({ sizeKib }) => sizeKib));
  const hugePages = [...sizes].map((sizeKib) => {
    const total = node.hugePages.find((one) => one.sizeKib === sizeKib)?.total ?? 0;
    const claimed = use.hugePages.find((one) => one.sizeKib === sizeKib)?.claimed ?? 0;
    return { sizeKib, total: Math.max(total, claimed) };
  });
  const pagesMib = hugePages.reduce((sum, { sizeKib, total }) => sum + (sizeKib * total) / 1_024, 0);
  const vcpus = Math.max(node.vcpus, use.pinnedCpus);
  return { vcpus, memoryMib: Math.max(node.memoryMib, Math.ceil(pagesMib) + use.memoryMib), hugePages };
}

const withCpu = (numa: readonly NumaNode[]): NumaNode[] =>
  numa.map((node, index) => (index === 0 ? { ...node, vcpus: node.vcpus + 1 } : node));
