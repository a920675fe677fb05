/**
 * The process behind `novact chaos`: takes one task as JSON, carries it out, and ends with the CLI's exit
 * code for the result. Results go to stdout, progress to stderr.
 */
import "../process/umask.ts";
import { resolve } from "node:path";
import { loadConfig } from "../config/config.ts";
import { exitCodes } from "../package/exit-codes.ts";
import { failureOf } from "../package/failure.ts";
import { injectByHand, listAll } from "./by-hand.ts";
import { healAll } from "./conductor.ts";
import { type ChaosFloodKind, chaosFloodKinds } from "./flood-kinds.ts";
import { judgeFacts } from "./judgement.ts";
import { openLinks } from "./links.ts";
import { assertAllowed } from "./permission.ts";
import { readRecords } from "./recorder.ts";
import { printSummary, printViolations } from "./report-text.ts";
import { type FaultKind, faultKinds } from "./scenario.ts";
import { ScenarioError, scenarioOf } from "./scenario-file.ts";

interface Task {
  readonly task: "run" | "list" | "inject" | "heal" | "judge";
  readonly json: boolean;
  readonly config?: string;
  readonly scenario?: string;
  readonly seed?: number;
  readonly minutes?: number;
  readonly report?: string;
  readonly keep?: boolean;
  readonly directory?: string;
  readonly kind?: string;
  readonly target?: string;
  readonly for?: number;
  readonly server?: string;
  readonly direction?: string;
  readonly delay?: number;
  readonly jitter?: number;
  readonly of?: string;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const startedAtMs = performance.now();
const say = (text: string): void => {
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1).padStart(6);
  process.stderr.write(`[${seconds} s] ${text}\n`);
};

const interrupted = new AbortController();

async function perform(task: Task): Promise<number> {
  switch (task.task) {
    case "run":
      return run(task);
    case "list":
      print(task.json ? JSON.stringify(listAll(task.config)) : textOf(listAll(task.config)));
      return exitCodes.ok.exit;
    case "inject":
      return inject(task);
    case "heal":
      return heal(task);
    case "judge":
      return judge(task);
  }
}

async function run(task: Task): Promise<number> {
  const { name, scenario } = scenarioOf(task.scenario ?? "mixed");
  const { runChaos } = await import("./run.ts");
  const summary = await runChaos({
    name,
    scenario,
    seed: task.seed ?? Math.floor(Math.random() * 1_000_000),
    keep: task.keep ?? false,
    ...(task.config === undefined ? {} : { config: task.config }),
    ...(task.minutes === undefined ? {} : { minutes: task.minutes }),
    ...(task.report === undefined ? {} : { report: resolve(task.report) }),
    say,
    signal: interrupted.signal,
  });
  print(task.json ? JSON.stringify(summary) : printSummary(summary));
  if (summary.violations.length > 0 || !summary.settled) return exitCodes.findings.exit;
  return interrupted.signal.aborted ? exitCodes.interrupted.exit : exitCodes.ok.exit;
}

function textOf(listed: ReturnType<typeof listAll>): string {
  const part = (title: string, rows: readonly (readonly [string, string])[]) => [
    title,
    ...rows.map(([name, what]) => `  ${name.padEnd(18)} ${what}`),
    "",
  ];
  return [
    ...part("Scenarios", Object.entries(listed.scenarios)),
    ...part("Faults", Object.entries(listed.faults)),
    ...part("Floods", Object.entries(listed.floods)),
    ...part("Targets", [
      ["by chance", "controller, node, guest"],
      ["by name", [...listed.targets].join(", ")],
      ["of a flood", ["project", ...listed.projects].join(", ")],
    ]),
    listed.allowed ? "This cluster allows it." : "This cluster does not allow it (chaos.allowed).",
  ].join("\n");
}

async function inject(task: Task): Promise<number> {
  const { kind = "" } = task;
  const { target = kind === "flood" ? "project" : undefined } = task;
  if (target === undefined) throw new ScenarioError("Say what to break: novact chaos list has the targets.");
  const known = faultKinds.find((one): one is FaultKind => one === kind);
  if (known === undefined)
    throw new ScenarioError(`There is no fault ${kind}. There are: ${faultKinds.join(", ")}.`);
  const note = await injectByHand({
    fault: {
      kind: known,
      target,
      ...(task.server === undefined ? {} : { server: task.server as "nats" }),
      ...(task.direction === undefined ? {} : { direction: task.direction as "both" }),
      ...(task.delay === undefined ? {} : { delayMs: task.delay }),
      ...(task.jitter === undefined ? {} : { jitterMs: task.jitter }),
      ...(task.of === undefined ? {} : { of: floodKindOf(task.of) }),
    },
    forMs: task.for,
    config: task.config,
    signal: interrupted.signal,
  });
  print(task.json ? JSON.stringify({ kind, target, note }) : note);
  return interrupted.signal.aborted ? exitCodes.interrupted.exit : exitCodes.ok.exit;
}

function floodKindOf(text: string): ChaosFloodKind {
  const known = chaosFloodKinds.find((one) => one === text);
  if (known !== undefined) return known;
  throw new ScenarioError(`A flood is not made of ${text}, but of: ${chaosFloodKinds.join(", ")}.`);
}

async function heal(task: Task): Promise<number> {
  const config = loadConfig(task.config);
  assertAllowed(config);
  const links = await openLinks(config);
  const { resumed } = await healAll({ config, links, stays: true });
  links?.close();
  print(
    task.json
      ? JSON.stringify({ resumed })
      : `Healed: ${resumed} processes resumed; links pass, disks have room.`,
  );
  return exitCodes.ok.exit;
}

function judge({ directory = ".", json }: Task): number {
  const { facts, faults } = readRecords(resolve(directory));
  const judgement = judgeFacts(facts, faults);
  print(json ? JSON.stringify(judgement) : printViolations(judgement));
  return judgement.violations.length === 0 ? exitCodes.ok.exit : exitCodes.findings.exit;
}

/** After a second signal the judgement is left out, but everything is healed. */
async function healAndEnd(task: Task): Promise<void> {
  try {
    await heal({ ...task, json: false });
  } finally {
    process.exit(exitCodes.interrupted.exit);
  }
}

const written = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write("", () => resolve());
  });

const task = JSON.parse(process.argv[2] ?? "{}") as Task;
let signals = 0;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    signals += 1;
    if (signals === 1)
      say(`${signal}: it ends early; everything is healed, then judged (once more: only healed)`);
    if (signals === 2) void healAndEnd(task);
    interrupted.abort();
  });
}
try {
  process.exitCode = await perform(task);
  await written(process.stdout);
} catch (error) {
  const { text, exit } = failureOf(error);
  process.stderr.write(`error: ${text}\n`);
  process.exitCode = exit;
  await written(process.stderr);
}
// Connections that a failed run left open must not keep the process alive.
process.exit();
