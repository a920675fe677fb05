/** Finds and loads the plug-in that is checked, by the same loader and with the same errors as a cluster. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { ConfigError } from "../../nodes/config/errors.ts";
import { type LoadedPlugin, loadPlugins } from "../../nodes/plugins/load.ts";
import type { CheckTask } from "./report.ts";

/** The plug-in cannot be checked as it is. */
export class Refused extends Error {
  readonly next: string;

  constructor(message: string, next: string) {
    super(message);
    this.next = next;
  }
}

export interface Target {
  readonly plugin: LoadedPlugin;
  /** Of its package. */
  readonly version: string;
  /** Module of the worlds for its contracts; undefined: its package names none. */
  readonly worlds: string | undefined;
}

interface Manifest {
  readonly version?: unknown;
  readonly exports?: unknown;
  readonly novact?: { readonly check?: unknown };
}

/** @throws Refused */
export async function loadTarget({ target, options }: CheckTask, home: string): Promise<Target> {
  const directory = directoryOf(target, home);
  const manifest = manifestOf(directory);
  const isDirectory = directory === resolve(home, target);
  const specifier = isDirectory ? `./${relative(home, entryOf(directory, manifest))}` : target;
  const chosen = { package: specifier.replace(/^\.\/\.\.\//, "../"), ...(options && { options }) };
  // A cluster.yaml that has nothing but this; it need not exist, and is where packages are found from.
  const text = JSON.stringify({ plugins: [chosen] });
  try {
    const { loaded } = await loadPlugins(text, join(home, "cluster.yaml"), {});
    const [plugin] = loaded;
    if (plugin === undefined) throw new Error("The loader has loaded nothing.");
    const version = typeof manifest.version === "string" ? manifest.version : plugin.version;
    return { plugin, version, worlds: worldsOf(directory, manifest) };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    const found = thrown.findings.map(({ message }) => message.replace(/^plugins\.0 \([^)]*\): /, ""));
    const next = "Mend what is named, build it again (npm run build), and check again.";
    throw new Refused(`The plug-in ${target} does not load: ${found.join("\n")}`, next);
  }
}

/** Directory of the package: as it is named, or where an import at home would find it. */
function directoryOf(target: string, home: string): string {
  const named = resolve(home, target);
  if (existsSync(join(named, "package.json"))) return named;
  for (let at = home; ; at = dirname(at)) {
    const found = join(at, "node_modules", target);
    if (existsSync(join(found, "package.json"))) return found;
    if (at === dirname(at)) break;
  }
  throw new Refused(
    `There is no package ${target}: neither such a directory with a package.json, nor an installed package.`,
    "Give the directory of a plug-in, or install the package here.",
  );
}

function manifestOf(directory: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Refused(`The package.json of ${directory} cannot be read: ${why}`, "Correct it.");
  }
}

function entryOf(directory: string, { exports }: Manifest): string {
  const path = fileIn(exports);
  if (path === undefined)
    throw new Refused(
      `The package.json of ${directory} exports nothing under ".".`,
      `Write: "exports": { ".": "./build/src/plugin.js" }.`,
    );
  const file = join(directory, path);
  if (existsSync(file)) return file;
  throw new Refused(`The package exports ${path}, which is not there.`, "Build it: npm run build.");
}

/** The file for Node of an entry of `exports`, in the forms that have one. */
function fileIn(exports: unknown): string | undefined {
  if (typeof exports === "string") return exports;
  if (typeof exports !== "object" || exports === null) return undefined;
  const fields = new Map<string, unknown>(Object.entries(exports));
  for (const key of [".", "import", "node", "default"]) {
    const found = fields.has(key) ? fileIn(fields.get(key)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function worldsOf(directory: string, { novact }: Manifest): string | undefined {
  if (novact?.check === undefined) return undefined;
  const file = join(directory, String(novact.check));
  if (existsSync(file)) return file;
  throw new Refused(
    `"novact.check" of package.json names ${novact.check}, which is not there.`,
    "Build it: npm run build.",
  );
}
