/**
 * The names of filters and weighers in cluster.yaml: ours, and those that plug-ins bring. A reader that has
 * not loaded the plug-ins (SDK, `novact logs`) takes every name of the form `plugin.name` for one of theirs.
 */
import { filters } from "../../actors/control/scheduler/filters/index.ts";
import { weighers } from "../../actors/control/scheduler/weighers/index.ts";
import { weightLabel } from "../../actors/control/scheduler/weighers/label.ts";
import { didYouMean } from "../../protocol/wire/nearest.ts";
import { type Finding, type LineOf, unknownName } from "./explain.ts";
import { type Brought, nothingBrought } from "./plugins.ts";

interface Written {
  readonly filters?: readonly string[];
  readonly weighers?: Readonly<Record<string, number | undefined>>;
}

interface Chosen {
  readonly filters: readonly string[];
  readonly weighers: Readonly<Record<string, number>>;
}

const isForeign = (name: string): boolean => name.includes(".");

/** Names that there are not. `brought`: undefined when the plug-ins were not loaded. */
export function schedulerFindings(
  written: Written | undefined,
  brought: Brought | undefined,
  lineOf: LineOf,
): readonly Finding[] {
  const { filters: ofPlugins, weighers: weighing } = brought ?? nothingBrought;
  const filterNames = [...filters, ...ofPlugins].map(({ name }) => name);
  const weigherNames = [...weighers, ...weighing].map(({ name }) => name);
  const isUnknown = (name: string, known: readonly string[]) =>
    !known.includes(name) && !(brought === undefined && isForeign(name));
  const findings: Finding[] = [];
  for (const [index, name] of (written?.filters ?? []).entries()) {
    const path = ["scheduler", "filters", index];
    if (!isUnknown(name, filterNames)) continue;
    findings.push({ line: lineOf(path), message: unknownName(path, name, filterNames) });
  }
  for (const name of Object.keys(written?.weighers ?? {})) {
    if (!isUnknown(name, weigherNames)) continue;
    const hint = didYouMean(name, weigherNames) || ` Use one of: ${weigherNames.join(", ")}.`;
    const message = `scheduler.weighers.${name} is not a known key.${hint}`;
    findings.push({ line: lineOf(["scheduler", "weighers", name]), message });
  }
  return findings;
}

/** Labels by which a weigher weighs, and that are no numbers: it would pass over them. */
export function weightFindings(
  nodes: readonly { readonly labels?: Readonly<Record<string, string>> }[],
  lineOf: LineOf,
): readonly Finding[] {
  return nodes.flatMap(({ labels = {} }, index) => {
    const text = labels[weightLabel];
    if (text === undefined || (text.trim() !== "" && Math.abs(Number(text)) <= 1)) return [];
    const path = ["nodes", index, "labels", weightLabel];
    const message = `${path.join(".")} must be a number from -1 to 1, as a text: the weigher label reads it.`;
    return [{ line: lineOf(path), message }];
  });
}

/**
 * What these refuse a host for it would refuse the guest for. A list of filters that was written before they
 * came has them all the same.
 */
const indispensable = ["configDrive", "localDisks", "networked", "shape", "volumes"];

/** Fills in what is not written: every filter, ours first; every weigher with its own multiplier. */
export function completeScheduler(written: Written | undefined, brought = nothingBrought): Chosen {
  const multipliers = written?.weighers ?? {};
  const own = [...weighers, ...brought.weighers].map(({ name, multiplier }) => [name, multiplier] as const);
  const all = [...filters, ...brought.filters].map(({ name }) => name);
  return {
    // A name that is written twice counts once.
    filters: [...new Set([...(written?.filters ?? all), ...indispensable])],
    weighers: Object.fromEntries(own.map(([name, multiplier]) => [name, multipliers[name] ?? multiplier])),
  };
}
