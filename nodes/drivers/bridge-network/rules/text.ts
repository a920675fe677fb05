/**
 * A ruleset as nft reads it. Whatever a model has is written; nothing is decided here. All texts are of our
 * own making or of a checked form (addresses, tokens): nothing that people write may reach them. Pure.
 */
import { type Chain, type NftSet, type Ruleset, type Table, tableName } from "./model.ts";

/** `add table` would keep what is there: the second line makes it new, in one step with the third. */
export const wholeText = (ruleset: Ruleset): string =>
  ruleset
    .map((table) => {
      const name = `table ${table.family} ${tableName}`;
      return `${name}\ndelete ${name}\n${name} {\n${tableBody(table)}}\n`;
    })
    .join("");

const tableBody = ({ sets, chains }: Table): string =>
  [
    ...[...sets].map(([name, set]) => `  ${set.kind} ${name} { ${declaration(set)}${allElements(set)} }\n`),
    ...[...chains].map(([name, chain]) => `  chain ${name} {\n${chainBody(chain)}  }\n`),
  ].join("");

/** Ends with a semicolon. */
export function declaration({ of, isInterval, living }: NftSet): string {
  return `typeof ${of};${isInterval ? " flags interval;" : ""}${living === null ? "" : ` ${living.options};`}`;
}

const allElements = ({ elements }: NftSet): string =>
  elements.size === 0 ? "" : ` elements = { ${elementList(elements)} };`;

export const elementList = (elements: ReadonlyMap<string, string>): string =>
  [...elements].map(([key, value]) => (value === "" ? key : `${key} : ${value}`)).join(", ");

const chainBody = ({ hook, rules }: Chain): string =>
  [...(hook === null ? [] : [hook]), ...rules].map((line) => `    ${line}\n`).join("");
