/**
 * The files that the rules are about: read once, split into code and comments, with their imports and
 * exports. It must never look into what was installed or made at run time.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { type SourceText, splitSource } from "./source-text.ts";

export interface Import {
  /** A path from the root of the project, or the name of a package. */
  readonly target: string;
  readonly isFile: boolean;
  /** Gone when the types are stripped. */
  readonly typeOnly: boolean;
  /** Names as the target exports them; `*` for all. */
  readonly names: readonly string[];
}

export interface SourceFile extends SourceText {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export const root = join(import.meta.dirname, "../..");

const sourceFolders = ["protocol", "actors", "db", "nodes", "spec"];
const notOurs = new Set(["node_modules", ".git", ".novact", "build"]);

/** False for what was installed or made; of a path from the root of the project whose folder is ours. */
export const isOurs = (path: string): boolean => !notOurs.has(basename(path)) && !path.endsWith(".log");

/** Every file of the project, as paths from its root. */
export function projectFiles(folder = ""): readonly string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .filter((entry) => isOurs(entry.name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? projectFiles(path) : entry.isFile() ? [path] : [];
    });
}

/** Every source file of the project. */
export function readSourceTree(): readonly SourceFile[] {
  const files = projectFiles().filter((path) => sourceFolders.includes(path.split("/")[0] ?? ""));
  return files.filter(isSource).map((path) => sourceFile(path, readFileSync(join(root, path), "utf8")));
}

export function isSource(path: string): boolean {
  return /\.(?:ts|mjs)$/.test(path);
}

/** A file as the rules see it; the proofs make some up. */
export function sourceFile(path: string, text: string): SourceFile {
  const split = splitSource(text);
  return { path, text, ...split, imports: importsOf(path, split.code) };
}

const clause = /(?:[\w$]+\s*,?\s*)?(?:\{[^}]*\}|\*(?:\s*as\s+[\w$]+)?)?/.source;
const quoted = /["']([^"']+)["']/.source;
const statement = new RegExp(`^\\s*(?:import|export)\\s+(type\\s+)?(${clause})\\s*from\\s*${quoted}`, "gm");
const bareImport = /^\s*import\s*["']([^"']+)["']/gm;
const dynamicImport = /\bimport\(\s*["']([^"']+)["']/g;

function importsOf(path: string, code: string): readonly Import[] {
  const found = [...code.matchAll(statement)].map(([, type, wanted = "", target = ""]) => {
    const names = importedNames(wanted);
    const typeOnly =
      type !== undefined || (names.length > 0 && names.every((name) => name.startsWith("type ")));
    return { target, typeOnly, names: names.map((name) => name.replace(/^type /, "")) };
  });
  const whole = [...code.matchAll(bareImport), ...code.matchAll(dynamicImport)];
  const others = whole.map(([, target = ""]) => ({ target, typeOnly: false, names: ["*"] }));
  return [...found, ...others].map((one) => ({ ...one, ...resolve(path, one.target) }));
}

function resolve(path: string, target: string): { readonly target: string; readonly isFile: boolean } {
  const isFile = target.startsWith(".");
  return { isFile, target: isFile ? normalize(join(dirname(path), target)) : packageOf(target) };
}

function packageOf(target: string): string {
  if (target.startsWith("node:")) return target;
  const [scope = "", name = ""] = target.split("/");
  return scope.startsWith("@") ? `${scope}/${name}` : scope;
}

/** `{ a, type b as c }` names a and b; a default import names `default`; `* as x` names all. */
function importedNames(wanted: string): readonly string[] {
  if (wanted.includes("*")) return ["*"];
  const [, outside = "", inside = ""] = /^([^{]*)\{?([^}]*)\}?$/s.exec(wanted) ?? [];
  const braced = inside.split(",").map((name) =>
    name
      .trim()
      .replace(/\s+as\s+.*$/s, "")
      .replace(/^type\s+/, "type "),
  );
  const unbraced = outside.replace(/[,\s]/g, "") === "" ? [] : ["default"];
  return [...unbraced, ...braced.filter((name) => name !== "")];
}
