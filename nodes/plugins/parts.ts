/**
 * What each kind of part that a plug-in brings has to be: a judge for each kind answers sentences about the
 * mistakes. A new kind is a line of `judges`. This file must never call a function of a part.
 */
import { nearest } from "../../protocol/wire/nearest.ts";
import { checkPart } from "../config/explain.ts";
import type { PluginParts } from "./definition.ts";
import { extensionFaults } from "./extensions.ts";
import { pluginLimits } from "./limits.ts";

/** The plug-in of the parts, and the names of other plug-ins. */
export interface AboutParts {
  readonly plugin: string;
  /** Who has the name already: `novact`, or a plug-in; undefined: nobody. */
  readonly owner: (kind: PartKind, name: string) => string | undefined;
  /** The same of a noun of the API. */
  readonly nounOwner: (noun: string) => string | undefined;
}

export type PartKind = keyof PluginParts;
type Judge = (value: unknown, kind: PartKind, about: AboutParts) => readonly string[];
type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

const drivers: Judge = (value, kind, { owner }) => {
  if (!isFields(value)) return [`its ${kind} are no object of drivers by name`];
  const named = Object.entries(value);
  if (named.length > pluginLimits.partsMax) return [`it brings more than ${pluginLimits.partsMax} ${kind}`];
  return named.flatMap(([name, driver]) => {
    const called = `${kind}.${name}`;
    const taken = owner(kind, name);
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(name))
      return [`the name of ${called} is not 1 to 32 lower-case letters, digits and -, a letter first`];
    if (taken !== undefined) return [`the name ${called} is taken by ${taken}`];
    const fault = driverFault(driver);
    return fault === undefined ? [] : [`${called} ${fault}`];
  });
};

/** Beside what all drivers have: other names, and the names of disks. */
const hypervisors: Judge = (value, kind, about) => {
  const faults = drivers(value, kind, about);
  if (faults.length > 0 || !isFields(value)) return faults;
  return Object.entries(value).flatMap(([name, driver]) => {
    const facts: Fields = isFields(driver) ? driver : {};
    const { aliases = [], disks, disksOnly = [] } = facts;
    const called = `${kind}.${name}`;
    if (!isNames(aliases)) return [`${called} has aliases that are no list of names`];
    if (!isNames(disksOnly)) return [`${called} has a disksOnly that is no list of names`];
    if (disks !== undefined && typeof disks !== "string") return [`${called} has disks that are no name`];
    return aliases.flatMap((alias) => {
      const taken = about.owner(kind, alias);
      return taken === undefined ? [] : [`the alias ${alias} of ${called} is taken by ${taken}`];
    });
  });
};

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string" && /^[a-z][a-z0-9-]{0,31}$/.test(one));

function driverFault(driver: unknown): string | undefined {
  if (!isFields(driver)) return "is no driver: a driver is { options, open }";
  if (typeof driver.open !== "function") return "has no function open";
  return optionsFault(driver.options);
}

/** What is wrong with a schema of options; undefined: nothing. */
export function optionsFault(options: unknown): string | undefined {
  if (!isFields(options) || options.type !== "object") return "has no options: write Type.Object({ … })";
  try {
    checkPart({ value: {}, at: [], lineOf: () => 1 }, options as Parameters<typeof checkPart>[1]);
    return undefined;
  } catch (thrown) {
    return `has options that are no schema: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

/** The list of filters or weighers, whose names begin with the plug-in's. */
const listed =
  (faultOf: (part: Fields) => string | undefined): Judge =>
  (value, kind, { plugin }) => {
    if (!Array.isArray(value)) return [`its ${kind} are no list`];
    const all: readonly unknown[] = value;
    if (all.length > pluginLimits.partsMax) return [`it brings more than ${pluginLimits.partsMax} ${kind}`];
    const seen = new Set<unknown>();
    return all.flatMap((part, index) => {
      const fault = isFields(part) ? (nameFault(part.name, plugin, seen) ?? faultOf(part)) : "is no object";
      if (fault === undefined) return [];
      const { name } = isFields(part) ? part : {};
      return [`${kind}.${index}${typeof name === "string" ? ` (${name})` : ""} ${fault}`];
    });
  };

function nameFault(name: unknown, plugin: string, seen: Set<unknown>): string | undefined {
  if (typeof name !== "string") return "has no name";
  if (!name.startsWith(`${plugin}.`)) return `must have a name that begins with "${plugin}."`;
  if (!/^[a-z][A-Za-z0-9]{0,63}$/.test(name.slice(plugin.length + 1)))
    return "must have a name of 1 to 64 letters and digits after the dot, a small letter first";
  if (seen.has(name)) return "is there twice";
  seen.add(name);
  return undefined;
}

function filterFault({ effort, check, prepare }: Fields): string | undefined {
  if (!isNumber(effort) || effort < 0) return "has no effort: take one of efforts";
  const ways = [check, prepare].filter((one) => one !== undefined);
  if (ways.length !== 1 || typeof ways[0] !== "function") return "must have one function, check or prepare";
  return undefined;
}

function weigherFault({
  multiplier,
  novaName,
  amount,
  weigh,
  policy,
  weighCount,
}: Fields): string | undefined {
  if (!isNumber(multiplier)) return "has no multiplier, which is a number";
  if (typeof novaName !== "string") return "has no novaName, which is a text";
  const ways = [amount !== undefined, weigh !== undefined, policy !== undefined].filter(Boolean);
  if (ways.length !== 1) return "must have one of amount, weigh, and policy with weighCount";
  if (amount !== undefined && !["vcpus", "memoryMib", "diskGib"].includes(String(amount)))
    return "has an amount that is not vcpus, memoryMib or diskGib";
  if (weigh !== undefined && typeof weigh !== "function") return "has a weigh that is no function";
  if (policy !== undefined && typeof weighCount !== "function") return "has no function weighCount";
  return undefined;
}

/** A list of objects, each with these fields; extensions.ts judges what is in them. */
const entries =
  (fields: Readonly<Record<string, "object" | "function" | "string">>): Judge =>
  (value, kind) => {
    if (!Array.isArray(value)) return [`its ${kind} are no list`];
    const all: readonly unknown[] = value;
    return all.flatMap((part, index) =>
      missingIn(part, fields).map((field) => `${kind}.${index} has no ${field}`),
    );
  };

function missingIn(part: unknown, fields: Readonly<Record<string, string>>): readonly string[] {
  if (!isFields(part)) return Object.keys(fields).slice(0, 1);
  return Object.keys(fields).filter((field) => part[field] === null || typeof part[field] !== fields[field]);
}

const facts: Judge = (value) => {
  if (!isFields(value) || typeof value.of !== "function" || !Array.isArray(value.from))
    return ["its facts are not { from, of }: resources of its own, and a function"];
  return [];
};

/** Faults of a plug-in's extensions: of names and handlers, once each part has its shape. */
function extensionsFaults(parts: PluginParts, { plugin, nounOwner }: AboutParts): readonly string[] {
  const broken = [...(parts.services ?? []), ...(parts.actions ?? [])].find(
    ({ service: { noun, methods } }) => typeof noun !== "string" || !isFields(methods),
  );
  if (broken !== undefined) return ["it has a service that service({ … }) has not made"];
  return extensionFaults(plugin, parts, nounOwner).map((fault) =>
    fault.startsWith("has ") ? `it ${fault}` : fault,
  );
}

const judges: Readonly<Record<PartKind, Judge>> = {
  hypervisors,
  disks: drivers,
  networks: drivers,
  volumes: drivers,
  sinks: drivers,
  power: drivers,
  filters: listed(filterFault),
  weighers: listed(weigherFault),
  resources: entries({ noun: "string", kept: "object", shape: "object", fields: "object" }),
  services: entries({ service: "object", handlers: "function" }),
  actions: entries({ service: "object", handlers: "object", on: "string" }),
  facts,
};

const partKinds = Object.keys(judges) as readonly PartKind[];

/** What is wrong with the parts, as sentences without their subject and full stop; empty: nothing. */
export function partFaults(parts: Fields, about: AboutParts): readonly string[] {
  const faults = Object.entries(parts).flatMap(([kind, value]) => {
    const known = partKinds.find((one) => one === kind);
    if (known === undefined) {
      const near = nearest(kind, partKinds);
      const hint = near === undefined ? `. There are: ${partKinds.join(", ")}` : `. Did you mean ${near}?`;
      return [`it brings ${kind}, which are no parts of a plug-in${hint}`];
    }
    return value === undefined ? [] : judges[known](value, known, about);
  });
  return faults.length > 0 ? faults : extensionsFaults(parts, about);
}
