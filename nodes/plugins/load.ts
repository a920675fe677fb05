/**
 * Loads the plug-ins of a cluster, once in each process that needs their parts, before anything is opened.
 * Every mistake in any of them is told with its line of cluster.yaml, all at once. A plug-in runs in our
 * process and is trusted: its deeds after loading are not bounded here. No plug-in may be loaded by half.
 */
import { dirname } from "node:path";
import type { ExtensionParts } from "../../actors/control/extensions/definition.ts";
import type { PluginVersion } from "../../protocol/release.ts";
import { type ClusterConfig, defaultConfigFile, parseConfig, readConfig } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import type { Finding } from "../config/explain.ts";
import { chosenPlugins } from "../config/plugins.ts";
import { hypervisorAliases } from "../drivers/aliases.ts";
import type { PluginParts } from "./definition.ts";
import { type Chosen, type Company, faultAt, optionsOf, PluginFault, partsOf, pluginIn } from "./judge.ts";
import { pluginLimits } from "./limits.ts";
import { oneLine } from "./one-line.ts";
import { ownPart } from "./own-parts.ts";
import { versionOf } from "./package-version.ts";
import type { PartKind } from "./parts.ts";
import { fileOf, specifierFor } from "./resolve.ts";

export interface LoadedPlugin {
  readonly name: string;
  /** Of its package; of a file, its digest. */
  readonly version: string;
  readonly parts: PluginParts;
}

export type OwnParts = Required<Omit<PluginParts, keyof ExtensionParts>>;

export interface Plugins {
  readonly loaded: readonly LoadedPlugin[];
  /** Of all of them; what they add to the API is each one's own. */
  readonly parts: OwnParts;
}

/** As processes tell each other. */
export const versionsOf = ({ loaded }: Plugins): PluginVersion[] =>
  loaded.map(({ name, version }) => ({ name, version }));

export interface Cluster {
  readonly config: ClusterConfig;
  readonly plugins: Plugins;
}

/** The path of cluster.yaml, where none is named the default one. */
export const configFileOf = (path: string | undefined): string => path ?? defaultConfigFile();

interface LoadOptions {
  /** Absent: pluginLimits.loadMsMax. */
  readonly loadMsMax?: number;
}

/**
 * The configuration, checked as a whole, and its plug-ins. `path`: of cluster.yaml; absent: the default one.
 * @throws ConfigError, NothingNamedError
 */
export async function loadCluster(path?: string, options: LoadOptions = {}): Promise<Cluster> {
  const { text, file } = readConfig(path);
  const plugins = await loadPlugins(text, file, options);
  return { config: parseConfig(text, file, plugins.parts), plugins };
}

/**
 * The plug-ins that the text of a cluster.yaml names. `file`: where it is, and where packages are found from;
 * it need not be there. @throws ConfigError with all that is wrong with any of them
 */
export async function loadPlugins(text: string, file: string, options: LoadOptions): Promise<Plugins> {
  const { choices, lineOf } = chosenPlugins(text, file);
  const loaded: LoadedPlugin[] = [];
  const findings: Finding[] = [];
  const places = new Map<string, string>();
  const owner = (kind: PartKind, name: string): string | undefined => {
    if (ownPart(kind, name)) return "novact";
    const one = loaded.find(
      ({ parts }) =>
        Object.hasOwn(parts[kind] ?? {}, name) ||
        (kind === "hypervisors" && Object.hasOwn(hypervisorAliases(parts.hypervisors), name)),
    );
    return one === undefined ? undefined : `the plug-in ${one.name}`;
  };
  const nounOwner = (noun: string): string | undefined => {
    const one = loaded.find(({ parts: { resources = [], services = [], actions = [] } }) =>
      [...resources, ...[...services, ...actions].map(({ service }) => service)].some(
        (known) => known.noun === noun,
      ),
    );
    return one === undefined ? undefined : `the plug-in ${one.name}`;
  };
  // One after the other: in the order in which they are written, whatever each takes.
  for (const [index, choice] of choices.entries()) {
    const place = `plugins.${index}`;
    const chosen: Chosen = { ...choice, place, at: ["plugins", index], lineOf };
    try {
      loaded.push(await load(chosen, { places, owner, nounOwner }, { file, ...options }));
      places.set(loaded.at(-1)?.name ?? "", `${place} (${choice.package})`);
    } catch (thrown) {
      findings.push(...faultOf(thrown, chosen).findings);
    }
  }
  if (findings.length > 0) throw new ConfigError(file, findings);
  return { loaded, parts: together(loaded.map(({ parts }) => parts)) };
}

/** What a plug-in's own objects throw when they are looked at is a fault of its, too. */
const faultOf = (thrown: unknown, chosen: Chosen): PluginFault =>
  thrown instanceof PluginFault ? thrown : faultAt(chosen, `it cannot be read: ${oneLine(thrown)}.`);

async function load(
  chosen: Chosen,
  company: Company,
  { file, ...options }: LoadOptions & { readonly file: string },
): Promise<LoadedPlugin> {
  const specifier = specifierFor(chosen.package, file);
  const { default: exported } = await imported(specifier, chosen, { file, ...options });
  const plugin = pluginIn(exported, chosen, company);
  const parts = partsOf(plugin, optionsOf(plugin, chosen), chosen, company);
  const entry = fileOf(specifier);
  const version = entry === undefined ? "unknown" : versionOf(entry, dirname(file));
  return { name: plugin.name, version, parts };
}

async function imported(
  specifier: string,
  chosen: Chosen,
  { file, loadMsMax = pluginLimits.loadMsMax }: LoadOptions & { readonly file: string },
): Promise<{ readonly default?: unknown }> {
  const late = Promise.withResolvers<never>();
  const waits = `it has not loaded after ${loadMsMax / 1_000} s: something that it awaits does not come.`;
  const timer = setTimeout(() => late.reject(faultAt(chosen, `${waits} Ask its author.`)), loadMsMax);
  try {
    return await Promise.race([import(specifier), late.promise]);
  } catch (thrown) {
    throw thrown instanceof PluginFault ? thrown : faultAt(chosen, whyNot(thrown, chosen.package, file));
  } finally {
    clearTimeout(timer);
  }
}

/** Why a module could not be loaded, and what to do. Source of the codes: Node's documentation, Errors. */
function whyNot(thrown: unknown, name: string, file: string): string {
  const { code, message } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {};
  const isPath = name.startsWith(".");
  const isOurs = message?.endsWith(`imported from ${file}`) ?? false;
  if (code === "ERR_MODULE_NOT_FOUND" && isOurs && isPath)
    return `there is no such file, seen from ${dirname(file)}. Correct the path.`;
  if (code === "ERR_MODULE_NOT_FOUND" && isOurs)
    return `there is no such package. Install it: cd ${dirname(file)} && npm install ${name}`;
  if (code === "ERR_UNSUPPORTED_DIR_IMPORT" && isOurs)
    return "it is a directory. Name the file in it that exports the plug-in.";
  if (code === "ERR_PACKAGE_PATH_NOT_EXPORTED" && isOurs)
    return `its package exports nothing under that name. Its author has to give package.json an entry "exports".`;
  const [, wanted] = /(?:package|subpath) '([^']+)'/.exec(message ?? "") ?? [];
  if (wanted === "novact" || /^ERR_PACKAGE_PATH.*\/novact\/package\.json/.test(`${code} ${message}`))
    return `it imports what novact does not offer (${oneLine(message)}). novact/plugin has what a plug-in needs.`;
  if (code === "ERR_MODULE_NOT_FOUND" && wanted !== undefined)
    return `it needs the package ${wanted}, which is not there. Install it beside the plug-in.`;
  return `it has thrown while it was loaded: ${oneLine(thrown)}. Ask its author.`;
}

/** All parts of one kind together; their names differ. */
function together(all: readonly PluginParts[]): OwnParts {
  const named = <K extends Exclude<keyof OwnParts, "filters" | "weighers">>(kind: K): OwnParts[K] =>
    Object.assign({}, ...all.map((parts) => parts[kind] ?? {}));
  return {
    hypervisors: named("hypervisors"),
    disks: named("disks"),
    networks: named("networks"),
    volumes: named("volumes"),
    sinks: named("sinks"),
    power: named("power"),
    filters: all.flatMap(({ filters = [] }) => filters),
    weighers: all.flatMap(({ weighers = [] }) => weighers),
  };
}
