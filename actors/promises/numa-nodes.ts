/**
 * The NUMA part of I3: claims never take more of a NUMA node than the host has, nor more pinned CPUs. Counted
 * here from the claims and from what hosts report, not by the arithmetic that the stores use.
 */
import type { HostInventory } from "../../protocol/machine.ts";
import type { NumaPlacement, NumaUse } from "../../protocol/numa.ts";

/**
 * Amounts by NUMA node and resource, such as `NUMA node 0: CPUs`; and, under `pinned`, the pinned CPUs of all
 * NUMA nodes.
 */
export type Taken = ReadonlyMap<string, number>;

const pinned = "pinned CPUs";

/** The sum over claims. */
export function takenBy(placements: readonly NumaPlacement[]): Taken {
  const taken = new Map<string, number>();
  const add = (key: string, amount: number) => {
    if (amount > 0) taken.set(key, (taken.get(key) ?? 0) + amount);
  };
  for (const { dedicated, nodes } of placements)
    for (const { node, vcpus, memoryMib, pageKib } of nodes) {
      add(`NUMA node ${node}: CPUs`, dedicated ? vcpus : 0);
      add(pinned, dedicated ? vcpus : 0);
      if (pageKib === undefined) add(`NUMA node ${node}: MiB`, memoryMib);
      else add(`NUMA node ${node}: pages of ${pageKib} KiB`, (memoryMib * 1_024) / pageKib);
    }
  return taken;
}

/** The same sum, from the columns of a host's record. */
export function takenIn(pinnedCpus: number, uses: readonly NumaUse[]): Taken {
  const taken = uses.flatMap((use, node): [string, number][] => [
    [`NUMA node ${node}: CPUs`, use.pinnedCpus],
    [`NUMA node ${node}: MiB`, use.memoryMib],
    ...use.hugePages.map(({ sizeKib, claimed }): [string, number] => [
      `NUMA node ${node}: pages of ${sizeKib} KiB`,
      claimed,
    ]),
  ]);
  return new Map([[pinned, pinnedCpus] as const, ...taken].filter(([, amount]) => amount > 0));
}

/** The amount of each resource that the host reports. */
function offeredBy({ numa }: HostInventory): Taken {
  const offered = numa.flatMap(({ vcpus, memoryMib, hugePages }, node): [string, number][] => {
    const pagesKib = hugePages.reduce((sum, { sizeKib, total }) => sum + sizeKib * total, 0);
    return [
      [`NUMA node ${node}: CPUs`, vcpus],
      [`NUMA node ${node}: MiB`, memoryMib - Math.floor(pagesKib / 1_024)],
      ...hugePages.map(({ sizeKib, total }): [string, number] => [
        `NUMA node ${node}: pages of ${sizeKib} KiB`,
        total,
      ]),
    ];
  });
  const cpus = numa.reduce((sum, { vcpus }) => sum + vcpus, 0);
  return new Map([[pinned, cpus] as const, ...offered]);
}

/**
 * Sentences about resources of which more is taken than the host has. `vcpusClaimed`: by all claims on the
 * host.
 */
export function numaFaults(hostId: string, inventory: HostInventory, taken: Taken, vcpusClaimed: number) {
  const offered = offeredBy(inventory);
  const faults = [...taken]
    .filter(([what, amount]) => amount > (offered.get(what) ?? 0))
    .map(([what, amount]) => `Host ${hostId} is overfull: ${what}: ${amount} of ${offered.get(what) ?? 0}.`);
  const own = taken.get(pinned) ?? 0;
  const real = offered.get(pinned) ?? 0;
  if (own === 0 || real === 0) return faults;
  const shared = vcpusClaimed - own;
  const room = ((real - own) * inventory.vcpus) / real;
  if (shared <= room) return faults;
  return [...faults, `Host ${hostId} is overfull: ${shared} vCPUs share ${real - own} of ${real} CPUs.`];
}

/** Keys whose amounts differ between two counts; empty when they agree. */
export const differences = (left: Taken, right: Taken): readonly string[] =>
  [...new Set([...left.keys(), ...right.keys()])].filter((what) => left.get(what) !== right.get(what));
