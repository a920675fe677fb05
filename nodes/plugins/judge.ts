/**
 * Whether what a package exports is a plug-in that this novact can run: its name, its version of the API, its
 * options, and the parts that it makes of them. Each mistake is a sentence that says what to do next.
 */
import type { Static, TObject } from "@sinclair/typebox";
import { services } from "../../protocol/services.ts";
import { systemProject } from "../../protocol/wire/subjects.ts";
import { checkPart, type Finding, type PartOfFile } from "../config/explain.ts";
import { ownVersion } from "../package/program-files.ts";
import { type PluginDefinition, type PluginParts, pluginApi } from "./definition.ts";
import { oneLine } from "./one-line.ts";
import { type AboutParts, optionsFault, partFaults } from "./parts.ts";

/** Of what cluster.yaml says of one plug-in. */
export interface Chosen {
  /** As `plugins.0`. */
  readonly place: string;
  readonly package: string;
  /** Absent: none are written. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly at: PartOfFile["at"];
  readonly lineOf: PartOfFile["lineOf"];
}

/** The plug-ins that are loaded already, and the owners of names. */
export interface Company extends Pick<AboutParts, "owner" | "nounOwner"> {
  /** Places of the plug-ins by name. */
  readonly places: ReadonlyMap<string, string>;
}

/** A part of the program that has what a plug-in may not be called. */
const reserved = new Set(["novact", systemProject, ...Object.values(services).map(({ noun }) => noun)]);

/** What is wrong with a plug-in. Thrown and caught in this room only. */
export class PluginFault extends Error {
  readonly findings: readonly Finding[];

  constructor(...findings: readonly Finding[]) {
    super(findings.map(({ message }) => message).join("\n"));
    this.findings = findings;
  }
}

export const faultAt = (chosen: Chosen, sentence: string): PluginFault =>
  new PluginFault({
    line: chosen.lineOf(chosen.at),
    message: `${chosen.place} (${chosen.package}): ${sentence}`,
  });

/** What the package exports, if it is a plug-in for this novact. @throws PluginFault */
export function pluginIn(exported: unknown, chosen: Chosen, company: Company): PluginDefinition {
  const fail = (sentence: string) => faultAt(chosen, sentence);
  if (exported === undefined)
    throw fail("it has no default export. Write: export default definePlugin({ … }).");
  if (typeof exported !== "object" || exported === null || !("parts" in exported || "api" in exported))
    throw fail("its default export is no plug-in. Write: export default definePlugin({ … }).");
  const { name, api, options, parts }: Partial<Record<keyof PluginDefinition, unknown>> = exported;
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,31}$/.test(name))
    throw fail(
      `its name must be 1 to 32 lower-case letters, digits and -, a letter first. Found: ${shown(name)}.`,
    );
  if (reserved.has(name)) throw fail(`its name, ${name}, is a name of novact's own. Give it another.`);
  const before = company.places.get(name);
  if (before !== undefined)
    throw fail(`its name, ${name}, is taken by ${before}. Remove one of them from plugins.`);
  const apiFaults = apiFault(name, api);
  if (apiFaults !== undefined) throw fail(apiFaults);
  const fault = options === undefined ? undefined : optionsFault(options);
  if (fault !== undefined) throw fail(`it ${oneLine(fault)}. Its author has to mend it.`);
  if (typeof parts !== "function")
    throw fail("its parts are no function. Write: parts: (options) => ({ … }).");
  return exported as PluginDefinition;
}

const shown = (value: unknown): string => oneLine(JSON.stringify(value) ?? typeof value);

function apiFault(name: string, api: unknown): string | undefined {
  const range = typeof api === "number" ? { from: api, to: api } : api;
  if (!isRange(range))
    return `its api must be a whole number, or { from, to }; this novact has ${rangeText(pluginApi)}. Found: ${shown(api)}.`;
  if (range.from <= pluginApi.to && range.to >= pluginApi.from) return undefined;
  const [theirs, ours] = [rangeText(range), rangeText(pluginApi)];
  const mend = `Install a version of ${name} for ${ours}, or a novact that has ${theirs}.`;
  return `it is written for version ${theirs} of the plug-in API, and novact ${ownVersion()} has ${ours}. ${mend}`;
}

const rangeText = ({ from, to }: { readonly from: number; readonly to: number }): string =>
  from === to ? String(from) : `${from} to ${to}`;

function isRange(value: unknown): value is { readonly from: number; readonly to: number } {
  if (typeof value !== "object" || value === null || !("from" in value && "to" in value)) return false;
  const { from, to } = value;
  return Number.isInteger(from) && Number.isInteger(to) && Number(from) >= 1 && Number(from) <= Number(to);
}

/** The options as they are written, checked, with the plug-in's defaults. @throws PluginFault */
export function optionsOf(plugin: PluginDefinition, chosen: Chosen): Static<TObject> {
  const at = [...chosen.at, "options"];
  if (plugin.options === undefined) {
    if (chosen.options === undefined) return {};
    throw new PluginFault({
      line: chosen.lineOf(at),
      message: `${at.join(".")}: the plug-in ${plugin.name} takes no options. Remove them.`,
    });
  }
  const part = { value: chosen.options ?? {}, at, lineOf: chosen.lineOf };
  const checked = checkPart(part, plugin.options);
  if (checked.ok) return checked.value;
  throw new PluginFault(...checked.findings);
}

/** The parts that the plug-in makes. @throws PluginFault */
export function partsOf(
  plugin: PluginDefinition,
  options: Static<TObject>,
  chosen: Chosen,
  { owner, nounOwner }: Company,
): PluginParts {
  const parts: unknown = madeBy(plugin, options, chosen);
  const what = Array.isArray(parts) ? "a list" : parts === null ? "null" : typeof parts;
  if (typeof parts !== "object" || parts === null || Array.isArray(parts))
    throw faultAt(chosen, `its parts() must answer an object. It has answered ${what}.`);
  if ("then" in parts)
    throw faultAt(chosen, "its parts() has answered a promise. It must answer at once: open nothing there.");
  const faults = partFaults({ ...parts }, { plugin: plugin.name, owner, nounOwner });
  if (faults.length === 0) return withoutUndefined(parts);
  throw new PluginFault(...faults.flatMap((fault) => faultAt(chosen, `${oneLine(fault)}.`).findings));
}

/** Filters and weighers are told apart by the members that they have: one that is undefined is none. */
function withoutUndefined(parts: PluginParts): PluginParts {
  const { filters, weighers } = parts;
  return {
    ...parts,
    ...(filters === undefined ? {} : { filters: filters.map(bare) }),
    ...(weighers === undefined ? {} : { weighers: weighers.map(bare) }),
  };
}

function bare<T extends object>(part: T): T {
  const absent = Object.entries(part).filter(([, value]) => value === undefined);
  if (absent.length === 0) return part;
  const kept = Object.create(Object.getPrototypeOf(part), Object.getOwnPropertyDescriptors(part)) as T;
  for (const [key] of absent) Reflect.deleteProperty(kept, key);
  return kept;
}

function madeBy({ parts }: PluginDefinition, options: Static<TObject>, chosen: Chosen): unknown {
  try {
    return parts(options);
  } catch (thrown) {
    throw faultAt(
      chosen,
      `its parts() has thrown: ${oneLine(thrown)}. Look at its options, or ask its author.`,
    );
  }
}
