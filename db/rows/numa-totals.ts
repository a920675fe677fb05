/** Sums of what claims take of their host's NUMA nodes, from the claims themselves. Pure. */
import type { ClaimTotal } from "../../actors/ports/host-reads.ts";
import { type NumaPlacement, type NumaUse, pinnedBy, useWith } from "../../protocol/numa.ts";

/** The sums of the claims on one host. */
export function numaTotals(
  placements: readonly NumaPlacement[],
): Pick<ClaimTotal, "pinnedCpus" | "numaClaimed"> {
  const nothing: readonly NumaUse[] = [];
  return {
    pinnedCpus: placements.reduce((sum, one) => sum + pinnedBy(one), 0),
    numaClaimed: placements.reduce((uses, one) => useWith(uses, one, 1), nothing),
  };
}
