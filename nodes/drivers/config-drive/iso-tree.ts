/** The files of a volume as a tree of directories, with a name of each kind for every entry. Pure. */
import { configDriveLimits } from "./limits.ts";

interface Named {
  readonly name: string;
  /** The name for readers that do not know Joliet; unique in its directory. */
  readonly plain: string;
}

export interface IsoFile extends Named {
  readonly bytes: Uint8Array;
}

export interface Directory extends Named {
  /** Undefined: the root. */
  readonly parent: Directory | undefined;
  readonly directories: readonly Directory[];
  readonly files: readonly IsoFile[];
}

interface Growing extends Directory {
  readonly directories: Growing[];
  readonly files: IsoFile[];
}

/** @throws Error for a path that cannot be, for two that are the same, and above the limits */
export function treeOf(files: ReadonlyMap<string, Uint8Array>): Directory {
  if (files.size > configDriveLimits.filesMax) throw new Error("The drive would have too many files.");
  const root: Growing = { name: "", plain: "", parent: undefined, directories: [], files: [] };
  for (const path of [...files.keys()].sort()) {
    const names = path.split("/");
    const name = names.pop() ?? "";
    if (names.length > configDriveLimits.depthMax) throw new Error(`${path} is too deep for the drive.`);
    const directory = names.reduce(directoryIn, root);
    directory.files.push({ ...named(name, directory, ";1"), bytes: files.get(path) ?? new Uint8Array() });
  }
  return root;
}

function directoryIn(parent: Growing, name: string): Growing {
  const known = parent.directories.find((one) => one.name === name);
  if (known !== undefined) return known;
  const made: Growing = { ...named(name, parent, ""), parent, directories: [], files: [] };
  parent.directories.push(made);
  return made;
}

/**
 * Both names of an entry. A plain name has capital letters, digits, _ and one dot (ECMA-119, 7.5.1): of two
 * that would be the same, the later gets a number.
 */
function named(name: string, { directories, files }: Directory, version: string): Named {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,30}$/.test(name)) throw new Error(`${name} is no name for the drive.`);
  const taken = new Set([...directories, ...files].map(({ plain }) => plain.replace(/;1$/, "")));
  const [, stem = name, extension = ""] = /^(.+)\.([^.]*)$/.exec(name) ?? [];
  const capital = (text: string) => text.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
  const dot = version === "" ? "" : ".";
  const plainOf = (suffix: string) =>
    extension === "" ? `${capital(stem)}${suffix}${dot}` : `${capital(stem)}${suffix}.${capital(extension)}`;
  let plain = plainOf("");
  for (let number = 2; taken.has(plain); number += 1) plain = plainOf(String(number));
  return { name, plain: `${plain}${version}` };
}
