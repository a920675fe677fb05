/**
 * Mocha's own reporter, which also writes counts and the reasons of failures and skips to a file: `npm test`
 * adds them up. With `--reporter-option slowest=30` it prints the slowest files and tests.
 *
 * A run whose process does not end is ended after some patience, and the file tells what kept it alive: mocha
 * itself would wait for ever.
 */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import Mocha from "mocha";
import { skipReason } from "./skipped.ts";
import { slowestLines, timesOf } from "./slowest.ts";
import { survivorsOf } from "./survivors.ts";

/** The file's content, as JSON. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly (TitledReason & { readonly file?: string })[];
  readonly skipped: readonly TitledReason[];
  /** How many tests of each file have passed, by its path from the working directory. */
  readonly passedOf: Readonly<Record<string, number>>;
  /** What kept the process from ending after its last test (survivors.ts). */
  readonly survivors: readonly string[];
}

export interface TitledReason {
  readonly title: string;
  readonly reason: string;
}

const exitCodeMax = 255;

/** What has not ended this long after the last hook does not end by itself. */
const patienceMs = 60_000;

export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const given: Readonly<Record<string, unknown>> = options.reporterOptions ?? {};
    const times = timesOf(runner, process.cwd());
    let passed = 0;
    const passedOf: Record<string, number> = {};
    const failures: Summary["failures"][number][] = [];
    const skipped: TitledReason[] = [];
    runner.on("pass", (test) => {
      passed += 1;
      const { file } = fileOf(test);
      if (file !== undefined) passedOf[file] = (passedOf[file] ?? 0) + 1;
    });
    runner.on("fail", (test, error: Error) => {
      failures.push({ title: test.fullTitle(), reason: firstLine(error.message), ...fileOf(test) });
    });
    runner.on("pending", (test) => {
      skipped.push({ title: test.fullTitle(), reason: skipReason(test) });
    });
    runner.on("end", () => {
      if (isBrokenOff(runner)) failures.push(brokenOff);
      const write = (survivors: readonly string[]) => {
        const summary: Summary = { passed, failed: failures.length, failures, passedOf, skipped, survivors };
        if (typeof given.summary === "string") writeFileSync(given.summary, JSON.stringify(summary));
      };
      if (given.slowest !== undefined)
        for (const line of slowestLines(times(), Number(given.slowest))) console.log(line);
      write([]);
      const ending = { ms: Number(given.patienceMs ?? patienceMs), failed: failures.length };
      if (typeof given.summary === "string") endLate(ending, write);
    });
  }
}

/** The timer itself keeps no process alive: it only fires where something else does. */
function endLate(
  { ms, failed }: { readonly ms: number; readonly failed: number },
  tell: (survivors: readonly string[]) => void,
): void {
  const timer = setTimeout(() => {
    const survivors = survivorsOf();
    console.error(`${survivors.length} things outlived the tests:\n  ${survivors.join("\n  ")}`);
    tell(survivors);
    // As mocha ends a run that it can end.
    process.exit(Math.min(failed, exitCodeMax));
  }, ms);
  timer.unref();
}

/** A fault that comes when a test has passed ends the run: mocha says nothing of the tests that are left. */
const isBrokenOff = (runner: Mocha.Runner): boolean => Reflect.get(runner, "_abort") === true;
const brokenOff = { title: "the run", reason: "it was broken off before its last test" };

/** Of a test, or of a hook: mocha gives those their file as well. */
const fileOf = ({ file }: { readonly file?: string | undefined }) =>
  file === undefined ? {} : { file: relative(process.cwd(), file) };

const firstLine = (text: string) => text.trimStart().split("\n", 1)[0] ?? "";
