/**
 * The report of a run as files: `report.html` (self-contained: no script, nothing from other places),
 * `timeline.svg` and `summary.json`. This file only formats the results that it is given.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figures, Latency } from "./figures.ts";
import type { Judgement } from "./judgement.ts";
import type { Records } from "./recorder.ts";
import { escaped } from "./svg.ts";
import { timeline } from "./timeline.ts";

export interface Summary extends Judgement {
  readonly run: string;
  readonly scenario: string;
  readonly seed: number;
  readonly startedAtMs: number;
  readonly faultsEndedAtMs: number;
  readonly endedAtMs: number;
  readonly interrupted: boolean;
  readonly settled: boolean;
  readonly stillMoving: readonly string[];
  /** What was left out of the run, and why. */
  readonly remarks: readonly string[];
  readonly directory: string;
  readonly figures: Figures;
}

export interface ReportOptions extends Records {
  readonly summary: Summary;
}

export function writeReport(directory: string, { summary, facts, faults, lives }: ReportOptions): void {
  const svg = timeline({
    title: `${summary.scenario}, seed ${summary.seed}: ${verdictOf(summary)}`,
    fromMs: summary.startedAtMs,
    untilMs: endOf(summary, facts.at(-1)?.atMs ?? 0),
    records: { facts, faults, lives },
    violations: summary.violations,
  });
  writeFileSync(join(directory, "timeline.svg"), svg);
  writeFileSync(join(directory, "summary.json"), `${JSON.stringify(summary, undefined, 2)}\n`);
  writeFileSync(join(directory, "report.html"), page(summary, { facts, faults, lives }, svg));
}

/**
 * Time shown after the load: while the run only waits for something stuck, the picture needs no room for it.
 */
const calmShownMs = 20_000;

const endOf = ({ faultsEndedAtMs }: Summary, lastFactMs: number): number =>
  Math.min(Math.max(faultsEndedAtMs, lastFactMs), faultsEndedAtMs + calmShownMs);

function verdictOf({ violations, settled }: Summary): string {
  const broken = violations.length === 0 ? "no promise broken" : `${violations.length} violations`;
  return settled ? `${broken}, nothing stuck` : `${broken}, NOT SETTLED`;
}

const style = `body{font:14px/1.45 Helvetica,Arial,sans-serif;color:#222;margin:2em auto;max-width:1300px;padding:0 1em}
h1{font-size:20px}h2{font-size:15px;margin-top:1.6em}table{border-collapse:collapse}td,th{padding:2px 14px 2px 0;
text-align:left;vertical-align:top}td.n{text-align:right}.bad{border-left:5px solid #c00000;padding-left:.6em}
.good{border-left:5px solid #5d8a66;padding-left:.6em}svg{max-width:100%;height:auto}@media print{body{margin:0}}`;

function page(summary: Summary, { faults, lives }: Records, svg: string): string {
  const good = summary.violations.length === 0 && summary.settled;
  const skipped = faults.filter(({ outcome }) => outcome !== "done");
  const from = new Date(summary.startedAtMs).toISOString();
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>novact chaos ${escaped(summary.run)}</title>`,
    `<style>${style}</style></head><body>`,
    `<h1>Chaos: ${escaped(summary.scenario)}, seed ${summary.seed}</h1>`,
    `<p class="${good ? "good" : "bad"}"><b>${escaped(verdictOf(summary))}.</b> Run ${escaped(summary.run)}, ${from}, `,
    `${Math.round((summary.endedAtMs - summary.startedAtMs) / 1_000)} s`,
    `${summary.interrupted ? ", ended early by a person" : ""}.</p>`,
    list("Left out", summary.remarks),
    list(
      "Faults that were not injected",
      groups(skipped.map(({ kind, target, outcome, note }) => `${kind} ${target} ${outcome}: ${note}`)),
    ),
    list(
      "Violations",
      summary.violations.map(({ promise, message }) => `${promise}: ${message}`),
    ),
    list("What still moves", summary.stillMoving),
    "<h2>Timeline</h2>",
    svg,
    figuresTable(summary.figures, lives.length - new Set(lives.map(({ name }) => name)).size),
    "<p>Beside this file: history.jsonl (what clients asked and were told), facts.jsonl (what was watched), ",
    "faults.jsonl, processes.jsonl, summary.json. <code>novact chaos judge</code> judges them again.</p>",
    "</body></html>",
  ].join("\n");
}

const itemsMax = 200;

function list(title: string, items: readonly string[]): string {
  if (items.length === 0) return "";
  const more = items.length > itemsMax ? `<li>and ${items.length - itemsMax} more</li>` : "";
  const shown = items.slice(0, itemsMax).map((item) => `<li>${escaped(item)}</li>`);
  return `<h2>${title}</h2><ul class="bad">${shown.join("")}${more}</ul>`;
}

/** Equal sentences once, with their number. */
function groups(sentences: readonly string[]): readonly string[] {
  return [...Map.groupBy(sentences, (one) => one)].map(([one, all]) =>
    all.length > 1 ? `${one} (${all.length}×)` : one,
  );
}

function figuresTable(figures: Figures, restarts: number): string {
  const { outcomes } = figures;
  const latency = ({ calls, p50Ms, p99Ms, maxMs }: Latency) =>
    `${calls} calls: p50 ${p50Ms} ms, p99 ${p99Ms} ms, slowest ${maxMs} ms`;
  const tally = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([, left], [, right]) => right - left)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ") || "none";
  const rows: readonly (readonly [string, string])[] = [
    ["Calls", `${figures.calls}: ${tally(figures.methods)}`],
    ["Answered", `${outcomes.ok} ok, ${outcomes.failed} refused, ${outcomes.unknown} unknown`],
    ["Never answered", String(figures.unanswered)],
    ["Refusals", tally(figures.reasons)],
    ["Operations that were waited for", tally(figures.operations)],
    ["Answers during faults", latency(figures.duringFaults)],
    ["Answers outside faults", latency(figures.outsideFaults)],
    [
      "Faults",
      `${figures.faults.done} done, ${figures.faults.skipped} skipped, ${figures.faults.failed} failed`,
    ],
    ["Processes started again", String(restarts)],
    ["Guests' processes", `${figures.guestsStarted} seen to start, ${figures.guestsEnded} seen to end`],
    ["Looks at hosts", `${figures.looks.hosts}: ${figures.looks.answers} addresses answered`],
    ["Events handed to watchers", tally(figures.eventsWatched)],
  ];
  const cells = rows.map(([name, value]) => `<tr><th>${name}</th><td>${escaped(value)}</td></tr>`);
  return `<h2>Figures</h2><table>${cells.join("")}</table>`;
}
