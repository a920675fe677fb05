/**
 * Runs one command line, from its words to its exit code: parses it, runs the command, prints errors. It
 * never ends the process by itself and knows no single command; the tree of commands is in program.ts.
 */
import type { Command, CommanderError, OutputConfiguration } from "commander";
import { exitCodeOf, exitCodes } from "../package/exit-codes.ts";
import { ownRelease, releaseText } from "../package/release.ts";
import { commandAgain, type Given } from "../package/typed-command.ts";
import { errorText, exitCodeFor, type Shown, shownOf } from "./errors.ts";
import type { Extended, LoadExtended } from "./extensions/extended.ts";
import { inWordsOf } from "./fields.ts";
import { asTyped, commandWords } from "./hints.ts";
import { buildProgram } from "./program.ts";
import { Run } from "./run.ts";
import type { Connect } from "./session.ts";
import { painter, type Terminal } from "./terminal.ts";

/** Runs a command line and answers its exit code. It touches the process only through the terminal. */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  connect: Connect,
  loadExtended: LoadExtended = async () => [],
): Promise<number> {
  if (argv[0] === "__complete") return printCandidates(argv.slice(1), terminal, { connect, loadExtended });
  if (argv[0] === "--version") {
    terminal.out.write(`${releaseText(ownRelease())}\n`);
    return exitCodes.ok.exit;
  }
  let exit: number = exitCodes.ok.exit;
  let ran: Command | undefined;
  let plugins: readonly Extended[] = [];
  try {
    if (mayBePlugins(argv)) plugins = await loadExtended(configIn(argv));
  } catch (thrown) {
    const noun = nounIn(argv);
    const isForHelp = noun === undefined || noun === "help";
    if (!isForHelp) return failed(thrown, { terminal, json: wantsJson(argv), given: {}, ran });
    // Who asks for help gets that of our own commands, whatever is wrong with the others.
    terminal.err.write(`The commands of plug-ins are left out: ${shownOf(thrown).message}\n`);
  }
  const program = buildProgram(async (command, body) => {
    ran = command;
    const run = new Run(terminal, connect, { ...command.optsWithGlobals(), argv });
    try {
      await run.prepare();
      exit = (await body(run)) ?? exitCodes.ok.exit;
    } finally {
      await run.close();
    }
  }, plugins);
  quietly(program, terminal);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return exit;
  } catch (thrown) {
    return failed(thrown, { terminal, json: wantsJson(argv), given: program.opts(), ran });
  }
}

/**
 * `__complete`: called by the shells' scripts and not by people, so it is no part of the tree. It never
 * prints an error.
 */
async function printCandidates(
  words: readonly string[],
  terminal: Terminal,
  { connect, loadExtended }: { readonly connect: Connect; readonly loadExtended: LoadExtended },
): Promise<number> {
  const { complete } = await import("./complete.ts");
  const run = new Run(terminal, connect, {});
  try {
    const plugins = mayCompletePlugins(words) ? await loadExtended(configIn(words)) : [];
    for (const candidate of await complete({ words, plugins }, run)) run.print(candidate);
    return exitCodes.ok.exit;
  } catch (thrown) {
    return exitCodeFor(thrown);
  } finally {
    await run.close();
  }
}

/** The first word that names a command, if one is there. */
function nounIn(argv: readonly string[]): string | undefined {
  const valued = ["--project", "-o", "--output", "--timeout", "--config"];
  return argv.find((word, at) => !word.startsWith("-") && !valued.includes(argv[at - 1] ?? ""));
}

/** Plug-ins take time to load: only for a command that is not ours, and where all are listed. */
function mayBePlugins(argv: readonly string[]): boolean {
  const noun = nounIn(argv);
  return noun === undefined || noun === "help" || !commandWords.includes(noun);
}

/** The last of the words is being typed: code of plug-ins runs only for one that begins a command. */
function mayCompletePlugins(words: readonly string[]): boolean {
  const before = words.slice(0, -1);
  const typed = words.at(-1) ?? "";
  if (nounIn(before) === undefined) return nounIn(words) === typed && typed !== "";
  return mayBePlugins(before);
}

function configIn(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === "--config" || word.startsWith("--config="));
  const word = argv[at];
  if (word === undefined) return undefined;
  return word === "--config" ? argv[at + 1] : word.slice("--config=".length);
}

/** Whether errors are for a program: the command line may be one that could not be parsed. */
const wantsJson = (argv: readonly string[]): boolean =>
  argv.some(
    (word, at) =>
      ["--json", "-ojson", "-o=json", "--output=json"].includes(word) ||
      (word === "json" && ["-o", "--output"].includes(argv[at - 1] ?? "")),
  );

/** Makes commander throw instead of ending the process, so that its errors are printed like ours. */
function quietly(command: Command, terminal: Terminal): void {
  const typed = (text: string): string => asTyped(text, terminal.command);
  const output: OutputConfiguration = {
    writeOut: (text) => void terminal.out.write(typed(text)),
    writeErr: (text) => void terminal.err.write(typed(text)),
    outputError: () => undefined,
    getOutHelpWidth: () => terminal.out.columns ?? 100,
    getErrHelpWidth: () => terminal.err.columns ?? 100,
  };
  command.exitOverride().configureOutput(output);
  for (const child of command.commands) quietly(child, terminal);
}

const isCommanderError = (thrown: unknown): thrown is CommanderError =>
  thrown instanceof Error &&
  "exitCode" in thrown &&
  "code" in thrown &&
  String(thrown.code).startsWith("commander.");

interface Failing {
  readonly terminal: Terminal;
  readonly json: boolean;
  /** The global options, as far as they were understood. */
  readonly given: Given;
  /** The command that failed; undefined: none was found. */
  readonly ran: Command | undefined;
}

function failed(thrown: unknown, failing: Failing): number {
  const { terminal, ran } = failing;
  if (terminal.signal.aborted) return exitCodes.interrupted.exit;
  if (isCommanderError(thrown)) {
    if (thrown.exitCode === 0) return exitCodes.ok.exit;
    // A noun without a verb: its help was printed already.
    if (thrown.code !== "commander.help") tell(usageError(thrown), failing);
    return exitCodes.usage.exit;
  }
  const shown = shownOf(thrown);
  tell({ ...shown, message: inWordsOf(ran, shown.details) ?? shown.message }, failing);
  if (terminal.env.NOVACT_DEBUG === "1" && thrown instanceof Error) terminal.err.write(`${thrown.stack}\n`);
  return exitCodeOf(shown.code);
}

function usageError({ message }: CommanderError): Shown {
  const text = message.replace(/^error: /, "");
  const sentence = /[.?)]$/.test(text) ? text : `${text}.`;
  return {
    code: "INVALID_ARGUMENT",
    reason: "usage",
    message: `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}`,
    next: "The same command with --help shows what it takes.",
  };
}

function tell(error: Shown, { terminal, json, given }: Failing): void {
  const typed = (text: string): string => asTyped(text, commandAgain(terminal.command, given));
  terminal.err.write(errorText(error, { json, paint: painter(terminal.err, terminal.env), typed }));
}
