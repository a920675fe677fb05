/**
 * Runs one command line, from its words to its exit code: parses it, runs the command, prints errors. It
 * never ends the process by itself and knows no single command; the tree of commands is in program.ts.
 */
import type { Command, CommanderError, OutputConfiguration } from "commander";
import { exitCodeOf, exitCodes } from "../package/exit-codes.ts";
import { ownVersion } from "../package/program-files.ts";
import { errorLines, exitCodeFor, type Shown, shownOf } from "./errors.ts";
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
    terminal.out.write(`${ownVersion()}\n`);
    return exitCodes.ok.exit;
  }
  let exit: number = exitCodes.ok.exit;
  const program = buildProgram(async (command, body) => {
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
    return failed(thrown, { terminal, json: wantsJson(argv) });
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

function failed(thrown: unknown, { terminal, json }: { terminal: Terminal; json: boolean }): number {
  if (terminal.signal.aborted) return exitCodes.interrupted.exit;
  if (isCommanderError(thrown)) {
    if (thrown.exitCode === 0) return exitCodes.ok.exit;
    // A noun without a verb: its help was printed already.
    if (thrown.code !== "commander.help") tell(usageError(thrown), { terminal, json });
    return exitCodes.usage.exit;
  }
  const shown = shownOf(thrown);
  tell(shown, { terminal, json });
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

function tell(error: Shown, { terminal, json }: { terminal: Terminal; json: boolean }): void {
  const shown = { ...error, next: asTyped(error.next, terminal.command) };
  const text = json
    ? `${JSON.stringify({ error: shown })}\n`
    : errorLines(shown, painter(terminal.err, terminal.env));
  terminal.err.write(text);
}
