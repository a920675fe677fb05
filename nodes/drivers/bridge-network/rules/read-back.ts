/**
 * What `nft -j list ruleset` says, in a form in which two rulesets that do the same are the same text:
 * without numbers that the kernel gives, in an order of its own, and without what comes and goes by itself.
 * Pure.
 */
import { tableName } from "./model.ts";

type Json = unknown;

/** Of a set whose elements come and go. */
export interface LivingElement {
  readonly set: string;
  readonly parts: readonly (string | number)[];
  readonly comment: string;
}

export interface Listing {
  readonly text: string;
  readonly living: readonly LivingElement[];
}

interface Thing {
  readonly family?: string;
  readonly table?: string;
  readonly chain?: string;
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly elem?: Json;
}

/** Undefined: the text is no list. Other tables are left out. */
export function readListing(text: string): Listing | undefined {
  try {
    // Numbers of 128 bits: they are compared, and not counted with.
    const exact = text.replace(/(?<=[[:,]\s?)\d{16,}(?=\s?[\],}])/g, '"$&"');
    const said = JSON.parse(exact) as { readonly nftables?: readonly Json[] };
    const things = said.nftables?.flatMap(thingsOf);
    if (things === undefined) return undefined;
    const lines = orderOf(things.map(([kind, thing]) => lineOf(kind, thing)));
    return {
      text: lines.join("\n"),
      living: things.flatMap(([, thing]) => (isLiving(thing) ? elementsOf(thing) : [])),
    };
  } catch {
    return undefined;
  }
}

function thingsOf(one: Json): readonly (readonly [kind: string, thing: Thing])[] {
  const [[kind, thing] = []] = Object.entries(one as Record<string, Thing>);
  if (kind === undefined || thing === undefined || kind === "metainfo") return [];
  const table = kind === "table" ? thing.name : thing.table;
  return table === tableName ? [[kind, thing]] : [];
}

const isLiving = ({ flags = [] }: Thing): boolean => flags.includes("timeout");

interface Line {
  /** Where it is; rules of a chain keep their order. */
  readonly at: string;
  readonly text: string;
}

function lineOf(kind: string, thing: Thing): Line {
  const { family = "", chain, name = "" } = thing;
  const living = isLiving(thing) ? { elem: undefined } : {};
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

interface SaidElement {
  readonly elem?: {
    readonly val?: { readonly concat?: LivingElement["parts"] };
    readonly comment?: string;
  };
}

function elementsOf({ name = "", elem }: Thing): readonly LivingElement[] {
  const elements = Array.isArray(elem) ? (elem as readonly SaidElement[]) : [];
  return elements.flatMap(({ elem: one }) => {
    const parts = one?.val?.concat;
    return parts === undefined ? [] : [{ set: name, parts, comment: one?.comment ?? "" }];
  });
}
