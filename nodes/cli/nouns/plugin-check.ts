/**
 * novact plugin check: tries a plug-in; novact plugin docs: tells what it adds to the API. The work is done
 * by a process of its own (spec/check/main.ts), in which the plug-in's code runs; here is what is shown of
 * it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { exitCodes } from "../../package/exit-codes.ts";
import { programFile } from "../../package/program-files.ts";
import { documentMarks, withDocument } from "../../plugins/document-marks.ts";
import { CommandError } from "../errors.ts";
import type { Invoke, Run } from "../run.ts";
import { plain, type Style } from "../terminal.ts";

interface Checked {
  readonly part: string;
  readonly check: string;
  readonly result: "passed" | "failed" | "notRun";
  readonly detail: string;
}

interface Report {
  readonly name: string;
  readonly version: string;
  readonly checks: readonly Checked[];
}

/** As spec/check/report.ts has them. */
type Message =
  | { readonly kind: "progress"; readonly text: string }
  | { readonly kind: "done"; readonly report: Report }
  | { readonly kind: "document"; readonly text: string }
  | { readonly kind: "refused"; readonly message: string; readonly next: string };

interface CheckOptions {
  readonly options?: object;
  readonly label: Readonly<Record<string, string>>;
}

type Ended = Exclude<Message, { readonly kind: "progress" }>;

const styles: Readonly<Record<Checked["result"], Style>> = {
  passed: "green",
  failed: "red",
  notRun: "yellow",
};

export function checkCommand(invoke: Invoke): Command {
  return new Command("check")
    .description("Loads a plug-in as a cluster does, and tries all of it that can be tried.")
    .argument("[package]", "the name of a package that is installed here, or a directory", ".")
    .option("--options <json>", "the plug-in's options, as cluster.yaml would have them", parseOptions)
    .option("--label <name=value>", "a label of the hosts that are tried; may be repeated", collectLabel, {})
    .addHelpText(
      "after",
      "\nFilters and weighers take part in ten simulated minutes: about half a minute of work.",
    )
    .action((target: string, { options, label }: CheckOptions, command: Command) =>
      invoke(command, async (run) => {
        const ended = await checkedBy(run, { target, labels: label, ...(options && { options }) });
        if (ended.kind !== "done") throw refusalOf(ended);
        await show(run, ended.report);
        const failed = ended.report.checks.some(({ result }) => result === "failed");
        return failed ? exitCodes.findings.exit : exitCodes.ok.exit;
      }),
    );
}

/** What ended otherwise than was asked for. */
function refusalOf(ended: Ended): Error {
  if (ended.kind === "refused") return new CommandError("usage", ended.message, ended.next);
  return new Error(`The process has answered ${ended.kind}.`);
}

export function docsCommand(invoke: Invoke): Command {
  return new Command("docs")
    .description("Makes tables of what a plug-in adds to the API: methods, fields, limits.")
    .argument("[package]", "the name of a package that is installed here, or a directory", ".")
    .option("--options <json>", "the plug-in's options, as cluster.yaml would have them", parseOptions)
    .option("--into <file>", `writes them between the lines ${documentMarks.from} and its end`)
    .action((target: string, { options, into }: CheckOptions & { into?: string }, command: Command) =>
      invoke(command, async (run) => {
        const task = { wanted: "docs", target, labels: {}, ...(options && { options }) };
        const ended = await checkedBy(run, task);
        if (ended.kind !== "document") throw refusalOf(ended);
        if (into !== undefined) writeInto(into, ended.text);
        else if (run.json) run.emit({ text: ended.text });
        else run.print(ended.text);
        return exitCodes.ok.exit;
      }),
    );
}

function writeInto(file: string, text: string): void {
  try {
    writeFileSync(file, withDocument(readFileSync(file, "utf8"), text));
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const next = `Give a file that has the lines ${documentMarks.from} and ${documentMarks.to}.`;
    throw new CommandError("usage", `${file} cannot be written to: ${why}`, next);
  }
}

function parseOptions(text: string): object {
  const wrong = new InvalidArgumentError(`Give an object in JSON, such as '{"most": 3}'.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw wrong;
}

function collectLabel(text: string, before: CheckOptions["label"]): CheckOptions["label"] {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError("Give a label and its value, such as rack=7.");
  return { ...before, [name]: value };
}

/** Runs the check in its process. When the command is interrupted, the check ends first. */
async function checkedBy(run: Run, task: object): Promise<Ended> {
  const { signal } = run.terminal;
  // Whatever a plug-in prints is beside the result.
  const child = spawn(process.execPath, [programFile("../spec/check/main"), JSON.stringify(task)], {
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await endOf(run, child);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function endOf(run: Run, child: ChildProcess): Promise<Ended> {
  const { err } = run.terminal;
  let shown = "";
  const clear = () => {
    if (shown !== "") err.write(`\r${" ".repeat(shown.length)}\r`);
    shown = "";
  };
  return new Promise((resolve, reject) => {
    let ended: Ended | undefined;
    child.on("message", (message: Message) => {
      clear();
      if (message.kind !== "progress") ended = message;
      else if (err.isTTY !== true) run.remark(plain(message.text));
      else {
        shown = plain(message.text).slice(0, (err.columns ?? 80) - 1);
        err.write(shown);
      }
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clear();
      if (ended !== undefined) resolve(ended);
      else reject(new Error(`The check ended with ${signal ?? code}, and without a result.`));
    });
  });
}

async function show(run: Run, { name, version, checks }: Report): Promise<void> {
  if (run.json) return run.emit({ name, version, checks });
  run.print(`${run.paint("bold", plain(name))} ${plain(version)}`);
  await run.list(checks, [
    { title: "PART", value: ({ part }) => plain(part) },
    { title: "CHECK", value: ({ check }) => check },
    {
      title: "RESULT",
      value: ({ result }) => (result === "notRun" ? "not run" : result),
      style: ({ result }) => styles[result],
    },
    { title: "DETAIL", value: ({ detail }) => plain(detail), cut: true },
  ]);
  for (const { part, detail, result } of checks)
    if (result === "failed") run.remark(`${plain(part)}: ${plain(detail)}`);
}
