/**
 * Puts a mutation into the code as it is loaded: the text of one file is changed before its types are taken
 * out, in this process and in no file. It must be in place before that file is imported for the first time.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { mutants } from "./mutants.ts";
import type { Change, Mutant } from "./mutants-plans.ts";

const root = join(import.meta.dirname, "..", "..");

/** @throws Error when no mutant has this name */
export function mutantNamed(name: string): Mutant {
  const found = mutants.find((mutant) => mutant.name === name);
  if (found !== undefined) return found;
  throw new Error(`There is no mutant ${name}; there are: ${mutants.map((one) => one.name).join(", ")}.`);
}

type NamedChange = Change & Pick<Mutant, "name">;

/** One of each file. */
export const changesOf = ({ masked, ...mutant }: Mutant): readonly NamedChange[] =>
  masked === undefined ? [mutant] : [mutant, { ...masked, name: mutant.name }];

/** The text of the file with the guard switched off. @throws Error when it is not there exactly once */
export function mutated({ name, file, find, replace }: NamedChange, text: string): string {
  const parts = text.split(find);
  const [before = "", after = ""] = parts;
  if (parts.length !== 2)
    throw new Error(`Mutant ${name}: what it changes is ${parts.length - 1} times in ${file}, not once.`);
  return before + replace + after;
}

export const sourceOf = ({ file }: Change): string => readFileSync(join(root, file), "utf8");

/** @throws Error when there is no such mutant, or its guard is not found */
export function installMutant(name: string): void {
  const changes = changesOf(mutantNamed(name));
  const sources = new Map(
    changes.map((one) => [pathToFileURL(join(root, one.file)).href, mutated(one, sourceOf(one))]),
  );
  registerHooks({
    load: (loaded, context, next) => {
      const source = sources.get(fileURLOf(loaded));
      if (source === undefined) return next(loaded, context);
      return { format: "module-typescript", source, shortCircuit: true };
    },
  });
}

const fileURLOf = (url: string): string =>
  url.startsWith("file:") ? pathToFileURL(fileURLToPath(url)).href : url;
