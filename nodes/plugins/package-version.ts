/**
 * Which version of a plug-in was loaded: that of its package.json; of a plug-in that is only a file, a digest
 * of the file, so that nodes with different ones are told apart. It only reads.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** `home`: directory of cluster.yaml, whose own package.json is not the plug-in's. */
export function versionOf(file: string, home: string): string {
  for (let directory = dirname(file); isBelow(directory, home); directory = dirname(directory)) {
    const version = versionIn(join(directory, "package.json"));
    if (version !== undefined) return version;
  }
  return `sha256-${createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12)}`;
}

/** Above `home` is nothing of a path like ./plugin.js; a package may lie in a node_modules above it. */
function isBelow(directory: string, home: string): boolean {
  const isInPackage = /\/node_modules\/./.test(`${directory}/`);
  const from = relative(home, directory);
  return isInPackage || (from !== "" && !from.startsWith(".."));
}

function versionIn(path: string): string | undefined {
  try {
    const { version }: { readonly version?: unknown } = JSON.parse(readFileSync(path, "utf8"));
    return typeof version === "string" && /^[\x21-\x7e]{1,64}$/.test(version) ? version : undefined;
  } catch {
    // None here, or one without a version, as those inside a package that only say how files are read.
    return undefined;
  }
}
