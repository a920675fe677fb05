/** Sets and maps of a ruleset, as values. Pure. */
import type { NftSet } from "./model.ts";

/** A device's name as nft reads it. */
export const quoted = (device: string): string => `"${device}"`;

export const setOf = (
  kind: NftSet["kind"],
  of: string,
  elements: readonly (readonly [string, string])[],
): NftSet => ({
  ...{ kind, of, isInterval: false, living: null, elements: new Map(elements) },
});

export const keysOf = (of: string, keys: readonly string[], isInterval = false): NftSet => ({
  ...setOf(
    "set",
    of,
    keys.map((key) => [key, ""]),
  ),
  isInterval,
});
