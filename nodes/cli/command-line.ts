/**
 * Runs one command line, from its words to its exit code: parses it, runs the command, prints errors. It
 * never ends the process by itself and knows no single command; the tree of commands is in program.ts.
 */
import type { Command, CommanderError, OutputConfiguration } from "commander";
import { exitCodeOf, exitCodes } from "../package/exit-codes.ts";
import { ownRelease, releaseText } from "../package/release.ts";
import { commandAgain, type Given } from "../package/typed-command.ts";
import { errorText, exitCodeFor, type Shown, shownOf } from "./errors.ts";
import { inWordsOf } from "./fields.ts";
import { asTyped } from "./hints.ts";
import { buildProgram } from "./program.ts";
import { Run } from "./run.ts";
import type { Connect } from "./session.ts";
import { painter, type Terminal } from "./terminal.ts";

/** Runs a command line and answers its exit code. It touches the process only through the terminal. */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  connect: Connect,
): Promise<number> {
  if (argv[0] === "__complete") return printCandidates(argv.slice(1), terminal, connect);
  if (argv[0] === "--version") {
    terminal.out.write(`${releaseText(ownRelease())}\n`);
    return exitCodes.ok.exit;
  }
  let exit: number = exitCodes.ok.exit;
  let ran: Command | undefined;
  const program = buildProgram(async (command, body) => {
    ran = command;
    const run = new Run(terminal, connect, { ...command.optsWithGlobals(), argv });
    try {
      await run.prepare();
      exit = (await body(run)) ?? exitCodes.ok.exit;
    } finally {
      await run.close();
    }
  });
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
  connect: Connect,
): Promise<number> {
  const { complete } = await import("./complete.ts");
  const run = new Run(terminal, connect, {});
  try {
    for (const candidate of await complete(buildProgram(), words, run)) run.print(candidate);
    return exitCodes.ok.exit;
  } catch (thrown) {
    return exitCodeFor(thrown);
  } finally {
    await run.close();
  }
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
