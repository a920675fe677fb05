/** The result of a run as text for a terminal. Pure. */
import type { Judgement } from "./judgement.ts";
import type { Summary } from "./report.ts";

const shownMax = 40;

export function printViolations({ violations, facts, complete }: Judgement): string {
  const lines = violations.slice(0, shownMax).map(({ promise, message }) => `${promise}  ${message}`);
  if (violations.length > shownMax) lines.push(`… and ${violations.length - shownMax} more`);
  const count = violations.length === 0 ? "No promise was broken." : `Violations: ${violations.length}.`;
  lines.push(`${count} Judged: ${facts} facts.`);
  if (!complete) lines.push("The run has not come to its end: what is only seen then was not judged.");
  return lines.join("\n");
}

export function printSummary(summary: Summary): string {
  const { figures, directory } = summary;
  const { ok, failed, unknown } = figures.outcomes;
  const latency = (name: "duringFaults" | "outsideFaults") =>
    `p50 ${figures[name].p50Ms} ms, p99 ${figures[name].p99Ms} ms, ${figures[name].calls} calls`;
  const { done, skipped } = figures.faults;
  const loud = skipped === 0 ? "" : `; ${skipped} SKIPPED, see the report`;
  return [
    printViolations(summary),
    `calls     ${figures.calls}: ${ok} ok, ${failed} refused, ${unknown} unknown, ${figures.unanswered} unanswered`,
    `faults    ${done} done${loud}`,
    `latency   during faults: ${latency("duringFaults")}; else: ${latency("outsideFaults")}`,
    `looks     ${figures.looks.hosts} at hosts, which answered for ${figures.looks.answers} addresses`,
    `settled   ${summary.settled ? "yes" : `no: ${summary.stillMoving.length} things still move`}`,
    ...(directory === undefined ? [] : [`report    ${directory}/report.html`]),
  ].join("\n");
}
