/** What each way of calling the simulator does: one run, its shortest form, many runs, all mutants. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Options, UsageError } from "./main-options.ts";
import { runMany } from "./many.ts";
import { minimize, sizeOf } from "./minimize.ts";
import { mutants } from "./mutants.ts";
import { planOfMutant } from "./mutants-plans.ts";
import { mutantLines, tryMutants } from "./mutants-run.ts";
import { mutantNamed } from "./mutate.ts";
import type { Plan } from "./plan.ts";
import { failureLines, summary, summaryLines } from "./report.ts";
import { explain, traceOf } from "./report-one.ts";
import { runPlan } from "./run.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Answers the exit code. */
export function perform(options: Options): Promise<number> {
  switch (options.mode) {
    case "one":
      return options.minimize ? shorten(options) : one(options);
    case "many":
      return many(options);
    case "mutants":
      return all(options);
  }
}

function planFor({ planFile, seed, size, mutant }: Options): Plan {
  if (planFile === undefined)
    return planOfMutant(seed, mutant === undefined ? {} : mutantNamed(mutant), size);
  try {
    const plan = JSON.parse(readFileSync(planFile, "utf8")) as Plan;
    if (Array.isArray(plan.commands) && Array.isArray(plan.faults) && plan.parameters.hosts > 0) return plan;
  } catch (thrown) {
    throw new UsageError(`${planFile} cannot be read: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
  throw new UsageError(`${planFile} is no plan of the simulator.`);
}

async function one(options: Options): Promise<number> {
  const plan = planFor(options);
  const { report, lines } = options.trace ? await traceOf(plan) : await explain(plan, options);
  say(options.json ? JSON.stringify(report) : lines.join("\n"));
  return report.violations.length === 0 ? 0 : 1;
}

const minimizeTriesMax = 500;
/** The exit code after Ctrl-C. */
const interrupted = 130;

async function shorten(options: Options): Promise<number> {
  const plan = planFor(options);
  const promise = (await runPlan(plan)).violations[0]?.promise;
  if (promise === undefined) {
    say(`Seed ${plan.seed} breaks no promise: there is nothing to minimize.`);
    return 0;
  }
  const signal = interruptible();
  const shortest = await minimize(plan, {
    signal,
    isBroken: async (shorter) => (await runPlan(shorter)).violations[0]?.promise === promise,
    triesMax: minimizeTriesMax,
    told: (tries, { commands, faults }) => {
      if (!process.stderr.isTTY) return;
      process.stderr.write(`\r\x1b[2K${tries} tries: ${commands.length} commands, ${faults.length} faults`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  const file = options.out ?? `simulator-plan-${plan.seed}.json`;
  writeFileSync(file, `${JSON.stringify(shortest, null, 2)}\n`);
  say(options.json ? JSON.stringify(shortest) : await minimizedLines(plan, shortest, file, options));
  return signal.aborted ? interrupted : 1;
}

async function minimizedLines(plan: Plan, shortest: Plan, file: string, options: Options): Promise<string> {
  const { lines } = await explain(shortest, options);
  const what = `${sizeOf(plan)} commands, faults and kinds of trouble became ${sizeOf(shortest)}`;
  return [JSON.stringify(shortest, null, 2), "", ...lines, "", `${what}: --plan ${file}`].join("\n");
}

/** Ctrl-C ends what goes on; what is known is told. */
function interruptible(): AbortSignal {
  const abort = new AbortController();
  process.once("SIGINT", () => abort.abort());
  process.once("SIGTERM", () => abort.abort());
  return abort.signal;
}

async function many(options: Options): Promise<number> {
  const signal = interruptible();
  const { totals, wallMs } = await runMany({ ...options, signal, say: options.json ? () => undefined : say });
  const pace = { wallMs, jobs: options.jobs };
  if (options.json) say(JSON.stringify(summary(totals, pace)));
  else say(["", ...summaryLines(totals, pace), ...failureLines(totals)].join("\n"));
  if (signal.aborted) return interrupted;
  return totals.failed === 0 ? 0 : 1;
}

async function all(options: Options): Promise<number> {
  const signal = interruptible();
  const tell = options.json ? () => undefined : say;
  const tried = await tryMutants(mutants, { ...options, signal, say: tell });
  say(options.json ? JSON.stringify(tried) : ["", ...mutantLines(tried)].join("\n"));
  if (signal.aborted) return interrupted;
  return tried.every(({ caught }) => caught !== undefined) ? 0 : 1;
}
