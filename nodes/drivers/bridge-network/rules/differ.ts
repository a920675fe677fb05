/**
 * From one ruleset to the next by the smallest script: elements are added and removed, and chains get their
 * rules anew where they differ. The kernel takes a script as one step: no packet meets a half of it. Pure.
 */
import { type Chain, type NftSet, type Ruleset, type Table, tableName } from "./model.ts";
import { declaration, elementList, wholeText } from "./text.ts";

/** Empty: they are the same. What no script can change (a hook, what a set is of) is made anew as a whole. */
export function difference(before: Ruleset, after: Ruleset): string {
  const were = new Map(before.map((table) => [table.family, table]));
  const isNew = after.some((table) => !canBecome(were.get(table.family), table));
  if (isNew || before.length !== after.length) return wholeText(after);
  return after.flatMap((table) => tableLines(were.get(table.family), table)).join("");
}

function canBecome(before: Table | undefined, after: Table): boolean {
  if (before === undefined) return false;
  const sameSets = [...after.sets].every(([name, set]) => {
    const was = before.sets.get(name);
    return was === undefined || (was.kind === set.kind && declaration(was) === declaration(set));
  });
  const hooksOf = ({ chains }: Table) =>
    [...chains].flatMap(([name, { hook }]) => (hook ? [[name, hook]] : []));
  return sameSets && JSON.stringify(hooksOf(before)) === JSON.stringify(hooksOf(after));
}

/** What is referred to comes before what refers to it, and goes after it. */
function tableLines(before: Table | undefined, after: Table): readonly string[] {
  if (before === undefined) return [];
  const at = (name: string) => `${after.family} ${tableName} ${name}`;
  const sets = { new: missing(after.sets, before.sets), gone: missing(before.sets, after.sets) };
  const chains = { new: missing(after.chains, before.chains), gone: missing(before.chains, after.chains) };
  const changed = [...after.chains].filter(([name, chain]) => !sameRules(before.chains.get(name), chain));
  return [
    ...sets.new.map(([name, set]) => `add ${set.kind} ${at(name)} { ${declaration(set)} }\n`),
    ...chains.new.map(([name]) => `add chain ${at(name)}\n`),
    ...changed.flatMap(([name, { rules }]) => [
      ...(before.chains.has(name) ? [`flush chain ${at(name)}\n`] : []),
      ...rules.map((rule) => `add rule ${at(name)} ${rule}\n`),
    ]),
    ...[...after.sets].flatMap(([name, set]) => elementLines(at(name), before.sets.get(name), set)),
    ...sets.gone.flatMap(([name, set]) => (referring(set) ? [`flush ${set.kind} ${at(name)}\n`] : [])),
    ...chains.gone.map(([name]) => `flush chain ${at(name)}\n`),
    ...chains.gone.map(([name]) => `delete chain ${at(name)}\n`),
    ...sets.gone.map(([name, set]) => `delete ${set.kind} ${at(name)}\n`),
  ];
}

const missing = <T>(some: ReadonlyMap<string, T>, others: ReadonlyMap<string, T>): readonly [string, T][] =>
  [...some].filter(([name]) => !others.has(name));

/** Its elements keep chains. */
const referring = ({ of }: NftSet): boolean => of.endsWith(": verdict");

const sameRules = (before: Chain | undefined, { rules }: Chain): boolean =>
  before !== undefined &&
  before.rules.length === rules.length &&
  before.rules.every((one, i) => one === rules[i]);

const nothing: ReadonlyMap<string, string> = new Map();

function elementLines(at: string, before: NftSet | undefined, { isInterval, elements }: NftSet): string[] {
  const were = before?.elements ?? nothing;
  const gone = new Map([...were].filter(([key, value]) => elements.get(key) !== value));
  const fresh = new Map([...elements].filter(([key, value]) => were.get(key) !== value));
  if (gone.size === 0 && fresh.size === 0) return [];
  // A range that grows would meet its former self.
  if (isInterval && gone.size > 0) return [`flush set ${at}\n`, ...addLines(at, elements)];
  const keys = new Map([...gone.keys()].map((key) => [key, ""]));
  const removed = keys.size === 0 ? [] : [`delete element ${at} { ${elementList(keys)} }\n`];
  return [...removed, ...addLines(at, fresh)];
}

const addLines = (at: string, elements: ReadonlyMap<string, string>): string[] =>
  elements.size === 0 ? [] : [`add element ${at} { ${elementList(elements)} }\n`];
