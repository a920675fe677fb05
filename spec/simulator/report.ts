/** What came of runs, as data that can be sent between processes and added up, and as lines for people. */
import type { PromiseId, Violation } from "../../actors/promises/facts.ts";
import { Coverage, counted } from "./coverage.ts";
import type { Plan } from "./plan.ts";
import type { Outcome } from "./run.ts";

type Counts = Record<string, number>;

/** One run. */
export interface RunReport {
  readonly seed: string;
  readonly violations: readonly Violation[];
  readonly digest: string;
  readonly steps: number;
  readonly facts: number;
  readonly simulatedMs: number;
  readonly commands: Counts;
  readonly faults: Counts;
  readonly outcomes: Counts;
  readonly fences: Counts;
  readonly commits: Counts;
  readonly crashes: Counts;
  readonly packets: Counts;
  readonly admissions: readonly string[];
  readonly admissionsMax: number;
}

export function reportOf({ plan, violations, digest, steps, simulatedMs, coverage }: Outcome): RunReport {
  const { commands, faults, outcomes, fences, commits, crashes, packets, admissions, facts } = coverage;
  const { admissionsMax } = Coverage;
  return {
    ...{ seed: plan.seed, violations, digest, steps, facts, simulatedMs },
    ...{ commands, faults, outcomes, fences, commits, crashes, packets },
    ...{ admissions: [...admissions], admissionsMax },
  };
}

/** A run that broke off: the harness or the code threw where nobody listens, or it never came to an end. */
export function brokenReport({ seed }: Plan, message: string): RunReport {
  const nothing = { digest: "", steps: 0, facts: 0, simulatedMs: 0 };
  const none = { ...nothingCounted(), admissions: [], admissionsMax: 0 };
  return { seed, violations: [{ promise: "I6", atMs: 0, message }], ...nothing, ...none };
}

const nothingCounted = () => ({
  ...{ commands: {}, faults: {}, outcomes: {}, fences: {}, commits: {}, crashes: {}, packets: {} },
});

export interface Failure {
  readonly seed: string;
  readonly promise: PromiseId;
  readonly message: string;
}

const hourMs = 3_600_000;
/** How many failing seeds are kept for the list at the end. */
const failuresMax = 50;

export class Totals {
  runs = 0;
  steps = 0;
  facts = 0;
  simulatedMs = 0;
  failed = 0;
  admissionsMax = 0;
  readonly failures: Failure[] = [];
  readonly promises: Counts = {};
  readonly commands: Counts = {};
  readonly faults: Counts = {};
  readonly outcomes: Counts = {};
  readonly fences: Counts = {};
  readonly commits: Counts = {};
  readonly crashes: Counts = {};
  readonly packets: Counts = {};
  readonly admissions = new Set<string>();

  add(report: RunReport): void {
    this.runs += 1;
    this.steps += report.steps;
    this.facts += report.facts;
    this.simulatedMs += report.simulatedMs;
    this.admissionsMax = Math.max(this.admissionsMax, report.admissionsMax);
    for (const admission of report.admissions) this.admissions.add(admission);
    for (const key of counted)
      for (const [kind, count] of Object.entries(report[key])) plus(this[key], kind, count);
    const [first] = report.violations;
    if (first === undefined) return;
    this.failed += 1;
    plus(this.promises, first.promise, 1);
    const { promise, message } = first;
    if (this.failures.length < failuresMax) this.failures.push({ seed: report.seed, promise, message });
  }
}

function plus(counts: Counts, kind: string, count: number): void {
  counts[kind] = (counts[kind] ?? 0) + count;
}

export interface Pace {
  readonly wallMs: number;
  readonly jobs: number;
}

/** The same as the lines for people, for programs. */
export function summary(totals: Totals, { wallMs, jobs }: Pace) {
  const { runs, failed, promises, steps, facts, simulatedMs, failures, admissions, admissionsMax } = totals;
  const { commands, faults, outcomes, fences, commits, crashes, packets } = totals;
  return {
    ...{ seeds: runs, failed, promises, failures, jobs, wallMs: Math.round(wallMs) },
    simulatedHours: simulatedMs / hourMs,
    ...{ steps, facts },
    seedsPerSecond: (runs * 1_000) / wallMs,
    simulatedPerReal: simulatedMs / wallMs,
    ...{ faults, commands, outcomes, fences, commits, crashes, packets },
    admissions: { reached: admissions.size, of: admissionsMax },
  };
}

export function summaryLines(totals: Totals, pace: Pace): readonly string[] {
  const told = summary(totals, pace);
  const grouped = (value: number) => Math.round(value).toLocaleString("en");
  return [
    `${grouped(told.seeds)} ${told.seeds === 1 ? "seed" : "seeds"}, ` +
      `${grouped(told.failed)} broke a promise${listed(told.promises, ": ")}`,
    `  ${spanOf(totals.simulatedMs)} simulated in ${(pace.wallMs / 1_000).toFixed(1)} s with ` +
      `${pace.jobs} ${pace.jobs === 1 ? "job" : "jobs"}: ${told.seedsPerSecond.toFixed(1)} seeds a second, ` +
      `${grouped(told.simulatedPerReal)} times as fast as time itself`,
    `  ${grouped(told.steps)} steps, ${grouped(told.facts)} facts judged`,
    `  commands: ${listed(told.commands)}`,
    `  faults: ${listed(told.faults)}`,
    `  answers: ${listed(told.outcomes)}`,
    `  fences: ${listed(told.fences)}`,
    `  turns at the store: ${listed(told.commits)}`,
    `  turns of actors that broke: ${listed(told.crashes)}`,
    `  packets: ${listed(told.packets)}`,
    `  admissions of the table: ${told.admissions.reached} of ${told.admissions.of}`,
  ];
}

export function failureLines({ failures, failed }: Totals): readonly string[] {
  const more = failed - failures.length;
  return [...failures.map(failureLine), ...(more > 0 ? [`… and ${more} more`] : [])];
}

export const failureLine = ({ seed, promise, message }: Failure): string =>
  `seed ${seed}: ${promise} is broken: ${firstLine(message)}`;

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

const spanOf = (ms: number): string =>
  ms < hourMs ? `${Math.round(ms / 1_000)} s` : `${(ms / hourMs).toFixed(1)} h`;

function listed(counts: Readonly<Counts>, before = ""): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.length === 0 ? "" : before + entries.map(([kind, count]) => `${kind} ${count}`).join(", ");
}
