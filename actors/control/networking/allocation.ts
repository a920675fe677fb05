/**
 * Chooses free addresses of a subnet: the next one after the last that was given, so that an address which
 * became free rests as long as there are others. Pure; that no address is given twice is the commit's.
 */
import type { Range } from "../../../protocol/address.ts";

/** What is known of the addresses of a subnet. */
export interface Taken {
  has(value: bigint): boolean;
}

/** Number of addresses in all pools. */
export const poolSize = (pools: readonly Range[]): bigint =>
  pools.reduce((sum, { first, last }) => sum + last - first + 1n, 0n);

/**
 * The first free address after `last`, from the first pool again when there is none. Undefined: every address
 * of the pools is taken. Looks at each address once at most. @param last null: none was given yet
 */
export function nextFree(pools: readonly Range[], taken: Taken, last: bigint | null): bigint | undefined {
  const { behind, before } = partedAt(pools, last);
  for (const range of [...behind, ...before])
    for (let value = range.first; value <= range.last; value += 1n) if (!taken.has(value)) return value;
  return undefined;
}

/** The pools behind an address, and those up to it, both in their order. */
function partedAt(pools: readonly Range[], last: bigint | null) {
  const at = last === null ? -1 : pools.findIndex((pool) => last >= pool.first && last <= pool.last);
  const pool = pools[at];
  if (pool === undefined || last === null) return { behind: pools, before: [] };
  return {
    behind: [{ ...pool, first: last + 1n }, ...pools.slice(at + 1)],
    before: [...pools.slice(0, at), { ...pool, last }],
  };
}
