/**
 * What nftables is told, as values: tables of sets, maps and chains. Rules and elements are texts of nft's
 * own language; two rulesets are the same when their values are. Types only.
 */

export interface NftSet {
  /** What its keys are, and of a map also its values: `iifname . ether saddr`, `iifname : verdict`. */
  readonly of: string;
  readonly kind: "set" | "map";
  /** Elements may be ranges. */
  readonly isInterval: boolean;
  /** Its elements come and go in the kernel, with a time for each; the model has none of them. Null: no. */
  readonly living: { readonly options: string } | null;
  /** By key; of a set the values are empty. */
  readonly elements: ReadonlyMap<string, string>;
}

export interface Chain {
  /** Where the kernel calls it, and what becomes of a packet at its end; null: other chains call it. */
  readonly hook: string | null;
  readonly rules: readonly string[];
}

export interface Table {
  readonly family: "bridge" | "inet" | "ip" | "ip6";
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** All tables have the same name. */
export const tableName = "nv";

export type Ruleset = readonly Table[];
