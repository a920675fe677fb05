/** Reports a single run in detail: summary, trace, or the reason of a broken promise. */
import type { Plan } from "./plan.ts";
import type { PlanSize } from "./plan-parameters.ts";
import { type RunReport, reportOf, summaryLines, Totals } from "./report.ts";
import { runPlan } from "./run.ts";

/** Lines of the trace before the violation. */
const lastLinesMax = 40;

export interface OneRun {
  readonly report: RunReport;
  readonly lines: readonly string[];
}

/** The whole trace, the same bytes each time. */
export async function traceOf(plan: Plan): Promise<OneRun> {
  const lines: string[] = [];
  const outcome = await runPlan(plan, { write: (line) => lines.push(line) });
  return { report: reportOf(outcome), lines: [...lines, `digest ${outcome.digest}`] };
}

/** The summary, and for a violation everything that helps: it is run again and read along. */
export async function explain(plan: Plan, again: Again): Promise<OneRun> {
  const began = performance.now();
  const report = reportOf(await runPlan(plan));
  const totals = new Totals();
  totals.add(report);
  const pace = { wallMs: performance.now() - began, jobs: 1 };
  const lines = [...summaryLines(totals, pace), `  digest ${report.digest}`];
  if (report.violations.length === 0) return { report, lines };
  return { report, lines: [...lines, ...(await why(plan, again))] };
}

/** By what the run was asked for. */
export interface Again {
  readonly planFile: string | undefined;
  readonly mutant: string | undefined;
  readonly size: PlanSize;
}

function wordsOf(plan: Plan, { planFile, mutant, size }: Again): string {
  const sizes = Object.entries(size).map(([name, value]) => `--${name} ${value}`);
  const what = planFile === undefined ? [`--seed ${plan.seed}`, ...sizes] : [`--plan ${planFile}`];
  return [...what, ...(mutant === undefined ? [] : [`--mutant ${mutant}`])].join(" ");
}

async function why(plan: Plan, again: Again): Promise<readonly string[]> {
  const trace: string[] = [];
  const { violations, causes } = await runPlan(plan, {
    write: (line) => {
      trace.push(line);
      if (trace.length > lastLinesMax) trace.shift();
    },
  });
  const broken = violations.map(
    ({ promise, atMs, message }) => `${promise} is broken after ${(atMs / 1_000).toFixed(3)} s: ${message}`,
  );
  return [
    "",
    `seed ${plan.seed}`,
    ...broken,
    "",
    "What led to it, the first cause first:",
    ...causes.map((line) => `  ${line}`),
    "",
    `The last ${trace.length} lines of the trace:`,
    ...trace,
    "",
    `Again: npm run simulate -- ${wordsOf(plan, again)} --trace; the shortest way to it: --minimize instead`,
  ];
}
