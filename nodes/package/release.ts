/**
 * What this process runs: its version, and in a checkout the commit. Read from git's own files, once for each
 * call: no program is started, and the checkout may change under a process that lives on.
 */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Release } from "../../protocol/release.ts";
import { isCheckout, ownVersion, packageDirectory } from "./program-files.ts";

export function ownRelease(): Release {
  const commit = isCheckout ? commitOf(packageDirectory) : undefined;
  return { version: ownVersion(), ...(commit === undefined ? {} : { commit }) };
}

/** As `0.3.0 (1a2b3c4d5e6f)`. */
export const releaseText = ({ version, commit }: Release): string =>
  commit === undefined ? version : `${version} (${commit})`;

/** Characters of a hash that are shown: enough for the largest histories. */
const hashLength = 12;

/** The commit that a checkout is at; undefined where git's files do not say it. */
export function commitOf(directory: string): string | undefined {
  const own = gitDirectory(directory);
  const head = own === undefined ? undefined : textOf(join(own, "HEAD"));
  if (own === undefined || head === undefined) return undefined;
  const [, name] = /^ref: (refs\/\S+)$/.exec(head) ?? [];
  const hash = name === undefined ? head : hashOf(name, [own, sharedDirectory(own)]);
  return hash !== undefined && /^[0-9a-f]{40,64}$/.test(hash) ? hash.slice(0, hashLength) : undefined;
}

/** `.git`, or the directory that the file `.git` of a worktree names. */
function gitDirectory(directory: string): string | undefined {
  const path = join(directory, ".git");
  const text = textOf(path);
  if (text === undefined) return existsSync(path) ? path : undefined;
  const [, named] = /^gitdir: (.+)$/.exec(text) ?? [];
  return named === undefined ? undefined : resolve(directory, named);
}

/** Where a worktree's branches are: it shares them with the others. */
function sharedDirectory(own: string): string {
  const named = textOf(join(own, "commondir"));
  return named === undefined ? own : resolve(own, named);
}

function hashOf(name: string, directories: readonly string[]): string | undefined {
  for (const directory of directories) {
    const loose = textOf(join(directory, name));
    if (loose !== undefined) return loose;
    const packed = textOf(join(directory, "packed-refs"))?.split("\n");
    const line = packed?.find((one) => one.endsWith(` ${name}`));
    if (line !== undefined) return line.split(" ")[0];
  }
  return undefined;
}

/** The text of a file without the white space around it; undefined: it is no file that can be read. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not there, a directory, or closed to this user: then git's files do not say it.
    return undefined;
  }
}
