/** Many seeds on several processes, with the progress on a terminal and each failing seed when it fails. */
import { Worker } from "./many-workers.ts";
import { planOfMutant } from "./mutants-plans.ts";
import { mutantNamed } from "./mutate.ts";
import type { PlanSize } from "./plan-parameters.ts";
import { failureLine, type RunReport, Totals } from "./report.ts";

export interface Many {
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly mutant: string | undefined;
  readonly size: PlanSize;
  readonly signal: AbortSignal;
  /** A line that stays. */
  readonly say: (line: string) => void;
}

export interface ManyRun {
  readonly totals: Totals;
  readonly wallMs: number;
}

export async function runMany(many: Many): Promise<ManyRun> {
  const began = performance.now();
  const totals = new Totals();
  const workers = Array.from({ length: Math.min(many.jobs, many.seeds) }, () => new Worker(many.mutant));
  const progress = new Progress(() => progressLine(totals, many.seeds, performance.now() - began));
  const aborted = new Promise<void>((resolve) => {
    many.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const seeds = range(many);
  const mutant = many.mutant === undefined ? {} : mutantNamed(many.mutant);
  const work = workers.map(async (worker) => {
    for (const seed of seeds) {
      if (many.signal.aborted) return;
      take(await worker.run(planOfMutant(String(seed), mutant, many.size)), totals, (line) =>
        progress.above(line, many.say),
      );
    }
  });
  try {
    await Promise.race([Promise.all(work), aborted]);
  } finally {
    progress.end();
    for (const worker of workers) worker.end();
  }
  return { totals, wallMs: performance.now() - began };
}

/** Shared by all workers: each takes the next. */
function* range({ from, seeds }: Many): Generator<number, void, void> {
  for (let seed = from; seed < from + seeds; seed += 1) yield seed;
}

function take(report: RunReport, totals: Totals, say: (line: string) => void): void {
  totals.add(report);
  const [first] = report.violations;
  if (first !== undefined) say(failureLine({ seed: report.seed, ...first }));
}

function progressLine({ runs, failed, simulatedMs }: Totals, seeds: number, wallMs: number): string {
  const pace = ((runs * 1_000) / wallMs).toFixed(1);
  const hours = (simulatedMs / 3_600_000).toFixed(1);
  return `${runs} of ${seeds} seeds, ${pace} a second, ${hours} simulated hours, ${failed} broke a promise`;
}

const progressPeriodMs = 200;
/** Where no terminal is: a log of hours is read, too. */
const loggedPeriodMs = 60_000;

/** One line at the bottom of a terminal, written over again and again; elsewhere a line a minute. */
export class Progress {
  readonly #line: () => string;
  readonly #timer: NodeJS.Timeout;

  constructor(line: () => string) {
    this.#line = line;
    const isSeen = process.stderr.isTTY;
    const draw = isSeen ? () => this.#draw() : () => process.stderr.write(`${line()}\n`);
    this.#timer = setInterval(draw, isSeen ? progressPeriodMs : loggedPeriodMs);
  }

  /** Prints a lasting text above the line of progress. */
  above(line: string, say: (line: string) => void): void {
    this.#clear();
    say(line);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    process.stderr.write(`\r\x1b[2K${this.#line()}`);
  }

  #clear(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  }
}
