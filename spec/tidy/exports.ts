/**
 * Finds exported names that nobody imports. A type that its own file still names is part of what that file
 * exports, and counts as used; a value must be imported by somebody, a spec included.
 */
import type { SourceFile } from "./source-tree.ts";

interface Exported {
  readonly name: string;
  readonly isType: boolean;
}

const keywords = /async\s+function\*?|function\*?|const|let|class|interface|type/.source;
const declaration = new RegExp(`^export\\s+(?:declare\\s+|abstract\\s+)*(${keywords})\\s+([\\w$]+)`, "gm");

/** Names that a file declares and exports; re-exported names are not its own. */
export function exportedNames(file: SourceFile): readonly Exported[] {
  return [...file.bare.matchAll(declaration)].map(([, keyword = "", name = ""]) => ({
    name,
    isType: keyword === "interface" || keyword === "type",
  }));
}

/** `path: name` of every exported name that nobody needs. */
export function deadExports(files: readonly SourceFile[], entryPoints: readonly RegExp[]): readonly string[] {
  const imported = new Map<string, Set<string>>();
  for (const one of files.flatMap((file) => file.imports)) {
    if (!one.isFile) continue;
    const names = imported.get(one.target) ?? new Set();
    imported.set(one.target, names);
    for (const name of one.names) names.add(name);
  }
  return files.flatMap((file) => {
    const names = imported.get(file.path) ?? new Set();
    if (names.has("*") || entryPoints.some((entry) => entry.test(file.path))) return [];
    const dead = exportedNames(file).filter(
      (one) => !names.has(one.name) && !(one.isType && isNamed(file, one.name)),
    );
    return dead.map(({ name }) => `${file.path}: ${name}`);
  });
}

function isNamed(file: SourceFile, name: string): boolean {
  return [...file.bare.matchAll(new RegExp(`\\b${name.replaceAll("$", "\\$")}\\b`, "g"))].length > 1;
}
