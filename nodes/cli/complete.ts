/**
 * Completion: the candidates for the word at the cursor, from the tree of commands and, for names, from the
 * cluster. An error gives no candidates and no message, because the shell is in the middle of its line.
 */
import type { Command, Option } from "commander";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { resources } from "../../protocol/resources.ts";
import type { Resource } from "../../protocol/wire/resource.ts";
import type { CallOptions } from "../../protocol/wire/service.ts";
import type { Extended } from "./extensions/extended.ts";
import { extensionNames } from "./extensions/extension-commands.ts";
import { commandLimits } from "./limits.ts";
import { SeveralOption } from "./lists/several-option.ts";
import { SortOption } from "./lists/sort-option.ts";
import { buildProgram } from "./program.ts";
import type { Run } from "./run.ts";

export interface Completing {
  /** Those after `novact`; the last one is being completed and may be empty. */
  readonly words: readonly string[];
  readonly plugins: readonly Extended[];
}

/** The candidates. */
export async function complete({ words, plugins }: Completing, run: Run): Promise<readonly string[]> {
  const program = buildProgram(undefined, plugins);
  const before = words.slice(0, -1);
  const start = words.at(-1) ?? "";
  const { command, places, awaiting } = walk(program, before);
  const candidates = start.startsWith("-")
    ? optionsOf(command)
    : await valuesOf({ command, places, awaiting, plugins }, start, run);
  const fitting = candidates.filter((candidate) => candidate.startsWith(start) && isOneWord(candidate));
  return [...new Set(fitting)].sort();
}

/**
 * Names that a shell takes as they are. Bash puts what is completed into its line without quotes: of any
 * other name it might run a part.
 */
const isOneWord = (candidate: string): boolean => /^[\p{L}\p{M}\p{N}_@%+=:,./-]+$/u.test(candidate);

interface Position {
  readonly command: Command;
  /** Number of the command's arguments that are complete. */
  readonly places: number;
  /** The option whose value is being completed. */
  readonly awaiting: string | undefined;
}

type Valued = Position & Pick<Completing, "plugins">;

function walk(program: Command, words: readonly string[]): Position {
  let command = program;
  let places = 0;
  let awaiting: string | undefined;
  for (const word of words) {
    if (awaiting !== undefined) {
      awaiting = undefined;
      continue;
    }
    if (word.startsWith("-")) {
      awaiting = word.includes("=") || !takesValue(command, word) ? undefined : word;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) places++;
    else command = next;
  }
  return { command, places, awaiting };
}

const allOptions = (command: Command) => [
  ...command.options,
  ...(command.parent?.options ?? []),
  ...(command.parent?.parent?.options ?? []),
];

const isFlag = ({ short, long }: Option, flag: string): boolean => flag === short || flag === long;

const takesValue = (command: Command, flag: string): boolean =>
  allOptions(command).some((option) => isFlag(option, flag) && (option.required || option.optional));

const optionsOf = (command: Command): string[] => [
  ...allOptions(command).flatMap(({ long, hidden }) => (long === undefined || hidden ? [] : [long])),
  "--help",
];

async function valuesOf(
  { command, places, awaiting, plugins }: Valued,
  start: string,
  run: Run,
): Promise<readonly string[]> {
  if (awaiting !== undefined) {
    const option = allOptions(command).find((one) => isFlag(one, awaiting));
    if (option instanceof SeveralOption) return afterCommas(option.argChoices ?? [], start);
    if (option instanceof SortOption) return option.titles;
    return option?.argChoices ?? names(nounOf(option, command), plugins, run);
  }
  const subcommands = command.commands.filter((one) => !one.name().startsWith("__")).map((one) => one.name());
  if (subcommands.length > 0) return subcommands;
  const all = command.registeredArguments;
  const argument = all[Math.min(places, all.length - 1)];
  if (argument === undefined || (places >= all.length && !argument.variadic)) return [];
  return argument.argChoices ?? names(argument.name(), plugins, run);
}

/** The word at the cursor, each with one more value behind its last comma. */
function afterCommas(choices: readonly string[], start: string): readonly string[] {
  const before = start.slice(0, start.lastIndexOf(",") + 1);
  const given = before.split(",");
  return choices.filter((choice) => !given.includes(choice)).map((choice) => `${before}${choice}`);
}

/** What an option's value is the name of: its own word in the help, as `<instance>`. */
function nounOf(option: Option | undefined, command: Command): string {
  const [, word = ""] = /<([\w-]+)>/.exec(option?.flags ?? "") ?? [];
  return option?.long === "--name" ? (command.parent?.name() ?? "") : word;
}

/** Names of existing things, for an argument or option that is called like a noun. */
async function names(what: string, plugins: readonly Extended[], run: Run): Promise<readonly string[]> {
  const page = { limit: wireLimits.pageLengthDefault };
  const call = run.call({ atLeastMs: commandLimits.completionTimeoutMs });
  switch (what) {
    case "instance":
      return (await (await run.session()).instance.list(page, call)).instances.map(({ name }) => name);
    case "operation":
      return (await (await run.session()).operation.list({ ...page, order: "newest" }, call)).operations.map(
        ({ id }) => id,
      );
    case "zone":
      return (await (await run.session()).availabilityZone.list({}, call)).zones.map(({ name }) => name);
    case "host":
      return (await (await run.adminSession()).host.list(page, call)).hosts.map(({ name }) => name);
    default:
      return [...(await rowNames(what, run)), ...(await extensionNames(what, plugins, run))];
  }
}

/** Of a resource; of groups under the word that is typed. */
async function rowNames(what: string, run: Run): Promise<readonly string[]> {
  const noun = what === "group" ? resources.serverGroup.noun : what;
  const [key, resource] = Object.entries<Resource>(resources).find(([, one]) => one.noun === noun) ?? [];
  if (key === undefined || resource === undefined) return [];
  const session = await (resource.sees === "admin" ? run.adminSession() : run.session());
  const api: Listing = session[key as keyof typeof resources];
  const answer = await api.list({ limit: wireLimits.pageLengthDefault }, run.call());
  const [rows = []] = Object.values(answer).filter((value) => Array.isArray(value)) as { name: string }[][];
  return rows.map(({ name }) => name);
}

interface Listing {
  list(page: { readonly limit: number }, options?: CallOptions): Promise<object>;
}
