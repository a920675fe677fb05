/**
 * Runs benchmarks one after the other. Each result is written as soon as its benchmark has ended, as one line
 * of JSON, so that it is kept whatever happens to a later benchmark. A benchmark that fails does not keep the
 * next ones from running.
 */
import { machine } from "./figures.ts";
import type { Note } from "./note.ts";

export interface Series {
  readonly names: readonly string[];
  /** The benchmarks by name, one for each of `names`. */
  readonly benchmarks: Readonly<Record<string, (note: Note) => Promise<unknown>>>;
  /** Writes a line for programs, its end included. Must have written it when it returns. */
  write(line: string): void;
  /** Shows progress to people. */
  say(text: string): void;
  /** Aborted: the running benchmark ends, and the others are not run. */
  readonly signal: AbortSignal;
}

export type SeriesOutcome = "done" | "failed" | "interrupted";

/** Runs the series. `failed`: at least one benchmark failed; its line has `error` in place of `result`. */
export async function runSeries(series: Series): Promise<SeriesOutcome> {
  let outcome: SeriesOutcome = "done";
  for (const name of series.names) {
    const ended = await runOne(series, name);
    if (ended === "interrupted") return ended;
    if (ended === "failed") outcome = ended;
  }
  return outcome;
}

async function runOne({ benchmarks, write, say, signal }: Series, name: string): Promise<SeriesOutcome> {
  say(`${name} …`);
  const before = machine();
  const startMs = performance.now();
  const line = (what: Readonly<Record<string, unknown>>): number => {
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    const { loadAverage: loadAverageAfter } = machine();
    const takenAt = new Date().toISOString();
    write(`${JSON.stringify({ name, takenAt, seconds, ...what, machine: before, loadAverageAfter })}\n`);
    return seconds;
  };
  const note: Note = (part, figures) => {
    const takenAt = new Date().toISOString();
    write(`${JSON.stringify({ name, part, takenAt, figures })}\n`);
  };
  try {
    const result = await benchmarks[name]?.(note);
    say(`${name}: ${line({ result })} s`);
    return "done";
  } catch (error) {
    if (signal.aborted) {
      say(`${name}: ended by a signal; its cluster is gone`);
      return "interrupted";
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say(`${name}: FAILED after ${line({ error: text })} s: ${text}`);
    return "failed";
  }
}
