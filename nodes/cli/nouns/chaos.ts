/**
 * novact chaos: breaks a cluster on purpose and judges whether its promises hold. The work is done by a
 * process of its own (nodes/chaos/main.ts): a command reaches a cluster only through the SDK, and chaos needs
 * the computer. This file has only the command's options.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { programFile } from "../../package/program-files.ts";
import { parseDuration } from "../format.ts";
import type { Invoke, Run } from "../run.ts";

export function chaosCommand(invoke: Invoke): Command {
  return new Command("chaos")
    .description("Breaks a cluster on purpose, and judges whether its promises hold.")
    .addCommand(runCommand(invoke))
    .addCommand(listCommand(invoke))
    .addCommand(injectCommand(invoke))
    .addCommand(healCommand(invoke))
    .addCommand(judgeCommand(invoke));
}

/** Runs the task in that process; answers its exit code. */
function handOver(run: Run, task: Readonly<Record<string, unknown>>): Promise<number> {
  const options = { ...task, json: run.json, ...(run.config === undefined ? {} : { config: run.config }) };
  const child = spawn(process.execPath, [programFile("chaos/main"), JSON.stringify(options)], {
    stdio: "inherit",
  });
  // From here on signals are for the chaos process, which heals every fault before it ends.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]),
    );
  });
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError(`${text} is not a number of 0 or more.`);
  }
  return value;
}

function seed(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError(`${text} is not a whole number.`);
  return value;
}

function runCommand(invoke: Invoke): Command {
  return new Command("run")
    .description("Drives load, breaks things as a scenario says, heals them, and judges what was promised.")
    .argument("[scenario]", "a file, or a name of chaos list", "mixed")
    .option("--seed <number>", "what happens by chance happens again with the same one", seed)
    .option("--minutes <number>", "how long it breaks things (default: the scenario's, or 5)", number)
    .option("--report <directory>", "where history and report go (default: chaos-<run> here)")
    .option("--keep", "leave what it has made")
    .addHelpText(
      "after",
      "\nCtrl-C ends it early: everything is healed and judged; once more: everything is only healed.",
    )
    .action((scenario: string, options: object, command: Command) =>
      invoke(command, (run) => handOver(run, { task: "run", scenario, ...options })),
    );
}

function listCommand(invoke: Invoke): Command {
  return new Command("list")
    .description("Lists the scenarios and faults there are, and what could be hit.")
    .action((_options: object, command: Command) =>
      invoke(command, (run) => handOver(run, { task: "list" })),
    );
}

function injectCommand(invoke: Invoke): Command {
  return new Command("inject")
    .description("Breaks one thing. What lasts is healed after --for, or by chaos heal.")
    .argument("<fault>", "as chaos list has them")
    .argument(
      "[target]",
      "a process, or: controller, node, nats, postgres, guest; state, shared, all; a flood's project",
    )
    .option("--for <time>", "heal it after this time: 10s, 2m", parseDuration)
    .option("--server <server>", "of a controller's link: nats or postgres")
    .option("--direction <direction>", "of a link: both, toServer or fromServer")
    .option("--delay <time>", "of a link: so much later", parseDuration)
    .option("--jitter <time>", "of a link: and up to so much more", parseDuration)
    .option("--of <what>", "of a flood: questions, large, small, connections or polls")
    .addHelpText(
      "after",
      "\nA flood comes from the cluster's last project, or the one that is named, and needs --for.",
    )
    .action((kind: string, target: string | undefined, options: object, command: Command) =>
      invoke(command, (run) =>
        handOver(run, { task: "inject", kind, ...(target === undefined ? {} : { target }), ...options }),
      ),
    );
}

function healCommand(invoke: Invoke): Command {
  return new Command("heal")
    .description("Makes whole what was broken: resumes, opens links, empties full disks.")
    .action((_options: object, command: Command) =>
      invoke(command, (run) => handOver(run, { task: "heal" })),
    );
}

function judgeCommand(invoke: Invoke): Command {
  return new Command("judge")
    .description("Judges the history in a report's directory again; needs no cluster.")
    .argument("<directory>", "of a report")
    .action((directory: string, _options: object, command: Command) =>
      invoke(command, (run) => handOver(run, { task: "judge", directory })),
    );
}
