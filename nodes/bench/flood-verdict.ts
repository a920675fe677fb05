/**
 * What the figures of a flood mean: which bounds were kept, as sentences, and a table for people. A verdict
 * is printed, and no test rests on it. Pure.
 */
import type { FloodReport } from "../chaos/flood-kinds.ts";
import type { Seen } from "./flood-observer.ts";
import type { Suffered } from "./flood-victims.ts";

export const floodBounds = {
  renewalLateMs: 1_000,
  /** The others' median, in medians of the control run. */
  medianTimes: 5,
  peakMib: 512,
  /** What a process may hold more than at its start, some minutes after the floods. */
  leftMib: 50,
} as const;

export interface FloodRun {
  readonly name: string;
  /** Name of the control run; absent: this is a control run itself. */
  readonly control?: string;
  /** Absent: nothing was sent. */
  readonly flood?: FloodReport;
  readonly others: Suffered;
  readonly seen: Seen;
}

/** Bounds that were not kept in the run, as sentences. */
export function passedBounds(run: FloodRun, runs: readonly FloodRun[]): readonly string[] {
  const { seen, others } = run;
  const control = runs.find(({ name }) => name === run.control);
  const median = others.latencyMs.p50;
  const allowedMs = (control?.others.latencyMs.p50 ?? Number.POSITIVE_INFINITY) * floodBounds.medianTimes;
  const stopped = Math.max(seen.guestsStopped.length, seen.guardStops);
  const large = Object.entries(seen.peakMib).filter(([, mib]) => mib > floodBounds.peakMib);
  const failed = Object.values(others.failed).reduce((sum, count) => sum + count, 0);
  return [
    ...(seen.renewalLateMs > floodBounds.renewalLateMs
      ? [`a lease was late by ${seen.renewalLateMs} ms`]
      : []),
    ...(stopped > 0 ? [`guests were stopped ${stopped} times`] : []),
    ...(seen.fenced > 0 ? [`hosts were fenced ${seen.fenced} times`] : []),
    ...(median > allowedMs ? [`the others' median is ${median} ms, and ${allowedMs} ms are due`] : []),
    ...(failed > 0 ? [`${failed} of ${others.asked} questions of others had no good answer`] : []),
    ...large.map(([name, mib]) => `${name} held ${mib} MiB`),
  ];
}

/** What processes hold more than at the beginning than they may, as sentences. */
export function leftOver(
  start: Readonly<Record<string, number>>,
  end: Readonly<Record<string, number>>,
): readonly string[] {
  return Object.entries(end).flatMap(([name, mib]) => {
    const more = mib - (start[name] ?? 0);
    return more > floodBounds.leftMib ? [`${name} holds ${more} MiB more than at its start`] : [];
  });
}

const head = [
  ...["run", "sent/s", "answers", "refused", "median", "p99", "failed"],
  ...["late", "stopped", "fenced", "peak MiB", "slow"],
];

export function floodTable(runs: readonly FloodRun[]): string {
  const rows = runs.map(({ name, flood, others, seen }) => [
    name,
    flood === undefined ? "-" : String(flood.perSecond),
    tally(flood?.answers ?? {}),
    tally(flood?.refused ?? {}),
    ...[others.latencyMs.p50, others.latencyMs.p99].map((ms) => `${ms.toFixed(1)} ms`),
    tally(others.failed),
    `${seen.renewalLateMs} ms`,
    String(Math.max(seen.guestsStopped.length, seen.guardStops)),
    String(seen.fenced),
    tally(seen.peakMib),
    String(seen.slowConsumers),
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const tally = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ") || "-";
