/**
 * The part of cluster.yaml about plug-ins: which packages, with which options; and what the configuration has
 * to know of the loaded ones, whose names and options it checks. It must never load anything: nodes/plugins
 * does, before the rest of the file is checked.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import { builtInDrivers } from "../drivers/built-in.ts";
import type { KnownDrivers } from "../drivers/kinds.ts";
import { builtInSinks } from "../sinks/built-in.ts";
import { ConfigError } from "./errors.ts";
import { check, type LineOf } from "./explain.ts";
import type { KnownPower } from "./power.ts";
import type { KnownSinks } from "./sinks.ts";

/** A package's name as npm has it, or a path that begins with `./` or `../`. */
const PackageName = Type.String({
  pattern: "^(?:\\.{1,2}/.+|(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][a-z0-9._~-]*)$",
  maxLength: fieldLimits.pathLengthMax,
  description:
    "the name of an installed package, or a path that begins with ./; both from this file's directory",
});

/** One schema for both ways to write it, so that a mistake is told about the way that was taken. */
const PluginSchema = Type.Object(
  {
    package: PackageName,
    options: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "the options that the plug-in takes" }),
    ),
  },
  { additionalProperties: false, description: "a package's name, or { package: NAME, options: { ... } }" },
);

export const PluginsSchema = Type.Array(Type.Unsafe<Static<typeof PluginSchema> | string>({}), {
  maxItems: fieldLimits.pluginsMax,
  description: "the plug-ins, as the names of their packages",
});

/** The file as far as plug-ins are concerned; a plain name stands as `{ package }`. */
const PluginsPart = Type.Object({ plugins: Type.Optional(Type.Array(PluginSchema)) });

/** A plug-in as the file names it. */
export interface PluginChoice {
  /** Name of a package, or a path relative to the file's directory. */
  readonly package: string;
  /** As they are written. Absent: none are. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** What plug-ins bring, as far as cluster.yaml can name it. */
export interface Brought extends KnownDrivers {
  readonly filters: readonly { readonly name: string }[];
  readonly weighers: readonly { readonly name: string; readonly multiplier: number }[];
  readonly sinks: KnownSinks;
  readonly power: KnownPower;
}

export const nothingBrought: Brought = {
  ...{ hypervisors: {}, disks: {}, networks: {}, volumes: {} },
  ...{ filters: [], weighers: [], sinks: {}, power: {} },
};

/** All that cluster.yaml can name. */
export interface Known extends KnownDrivers {
  /** Undefined: there are plug-ins, and they were not loaded. */
  readonly brought: Brought | undefined;
  /** Undefined likewise. */
  readonly sinks: KnownSinks | undefined;
}

/** Our own drivers, and those of plug-ins. */
export const knownWith = (brought: Brought | undefined): Known => ({
  hypervisors: { ...builtInDrivers.hypervisors, ...brought?.hypervisors },
  disks: { ...builtInDrivers.disks, ...brought?.disks },
  networks: { ...builtInDrivers.networks, ...brought?.networks },
  volumes: { ...builtInDrivers.volumes, ...brought?.volumes },
  brought,
  sinks: brought && { ...builtInSinks, ...brought.sinks },
});

export interface ChosenPlugins {
  readonly choices: readonly PluginChoice[];
  readonly lineOf: LineOf;
}

/** The plug-ins that the text of a cluster.yaml names. @throws ConfigError */
export function chosenPlugins(text: string, file: string): ChosenPlugins {
  const checked = check<Static<typeof PluginsPart>>(text, PluginsPart, longForms);
  if (!checked.ok) throw new ConfigError(file, checked.findings);
  return { choices: checked.value.plugins ?? [], lineOf: checked.lineOf };
}

/** Every plug-in in the longer of its two forms. */
function longForms(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("plugins" in value)) return value;
  const { plugins } = value;
  if (!Array.isArray(plugins)) return value;
  const all: readonly unknown[] = plugins;
  return { ...value, plugins: all.map((one) => (typeof one === "string" ? { package: one } : one)) };
}
