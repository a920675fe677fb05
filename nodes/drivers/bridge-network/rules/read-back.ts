/**
 * What `nft -j list ruleset` says, in a form in which two rulesets that do the same are the same text: without
 * numbers that the kernel gives, in an order of its own, and without what comes and goes by itself. Pure.
 */
import { tableName } from "./model.ts";

type Json = unknown;

/** Undefined: it is no such list. Tables that are not ours say nothing. */
export function normalized(text: string): string | undefined {
  try {
    // Numbers of 128 bits: they are compared, and not counted with.
    const exact = text.replace(/(?<=[[:,]\s?)\d{16,}(?=\s?[\],}])/g, '"$&"');
    const said = JSON.parse(exact) as { readonly nftables?: readonly Json[] };
    const lines = said.nftables?.flatMap((one) => lineOf(one) ?? []);
    return lines && orderOf(lines).join("\n");
  } catch {
    return undefined;
  }
}

interface Thing {
  readonly family?: string;
  readonly table?: string;
  readonly chain?: string;
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly elem?: Json;
}

interface Line {
  /** Where it is; rules of a chain keep their order. */
  readonly at: string;
  readonly text: string;
}

function lineOf(one: Json): Line | undefined {
  const [[kind, thing] = []] = Object.entries(one as Record<string, Thing>);
  if (kind === undefined || thing === undefined || kind === "metainfo") return undefined;
  const { family = "", table = thing.name ?? "", chain, name = "", flags = [] } = thing;
  if (table !== tableName) return undefined;
  const living = kind === "set" && flags.includes("timeout") ? { elem: undefined } : {};
  const text = JSON.stringify({ [kind]: { ...thing, handle: undefined, ...living } }, inOrder);
  return { at: `${family} ${kind} ${chain ?? name}`, text };
}

/** Elements have no order. */
function inOrder(key: string, value: Json): Json {
  if ((key !== "elem" && key !== "set") || !Array.isArray(value)) return value;
  return value.map((one) => JSON.stringify(one)).sort();
}

const orderOf = (lines: readonly Line[]): readonly string[] =>
  lines
    .toSorted((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0))
    .map(({ text }) => text);
