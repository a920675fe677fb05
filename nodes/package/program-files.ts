/**
 * Where our own programs are: TypeScript in a checkout, JavaScript in the package (nodes/package/build.ts
 * makes it). Whoever starts one of them as a process asks here for its file, and never spells its ending.
 */
import { readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";

const ending = extname(import.meta.filename);

/** This runs from source, in a checkout. */
export const isCheckout = ending === ".ts";

/** The folder that has protocol/, actors/, db/ and nodes/ in it. */
export const treeDirectory = dirname(dirname(import.meta.dirname));

/** The folder that has package.json in it. */
export const packageDirectory = isCheckout ? treeDirectory : dirname(treeDirectory);

/** The version of what runs, as package.json has it. */
export function ownVersion(): string {
  const { version }: { readonly version?: unknown } = JSON.parse(
    readFileSync(join(packageDirectory, "package.json"), "utf8"),
  );
  return String(version);
}

/** The file of a program; `name` is its path below nodes/, without an ending. */
export const programFile = (name: string): string => join(treeDirectory, "nodes", `${name}${ending}`);

/** Whether an argument of a process names this program, in a checkout or in a package. */
export const isProgramFile = (argument: string, name: string): boolean =>
  new RegExp(`(?:^|/)${name}\\.[tj]s$`).test(argument);

/** Files that the package offers in Node, by their names in package.json: `./plugin`. */
export function packageExports(): ReadonlyMap<string, string> {
  const { exports }: { readonly exports: Readonly<Record<string, string | { readonly default: string }>> } =
    JSON.parse(readFileSync(join(packageDirectory, "package.json"), "utf8"));
  return new Map(
    Object.entries(exports).map(([name, file]) => [name, typeof file === "string" ? file : file.default]),
  );
}
