/**
 * Runs benchmarks one after the other. Each is written out as soon as it has ended, one JSON value a line, so
 * that what was measured is kept whatever happens to a later one; one that fails keeps no other from running.
 */
import { machine } from "./figures.ts";

export interface Series {
  readonly names: readonly string[];
  /** Each under its name; every name is there. */
  readonly benchmarks: Readonly<Record<string, () => Promise<unknown>>>;
  /** What programs read: a line with its end. */
  write(line: string): void;
  /** What people read while it goes on. */
  say(text: string): void;
  /** Ends the series: the benchmark that is under way ends by it, and the others are not run. */
  readonly signal: AbortSignal;
}

export type SeriesOutcome = "done" | "failed" | "interrupted";

/** `failed`: at least one of them; its line has `error` in place of `result`. */
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
  try {
    const result = await benchmarks[name]?.();
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
