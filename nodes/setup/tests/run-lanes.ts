/**
 * Runs lanes of specs, each by a mocha of its own. A lane that ends before its tests do has failed, and is
 * not tried again; neither is one whose tests are outlived by something.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupLimits } from "../limits.ts";
import { filesOfLanes, type Lane } from "./lanes.ts";
import { failed, lineOf, type Outcome, sumOf } from "./outcome.ts";
import { exitCodeOf } from "./program.ts";
import { afterSecondTry, filesToTryAgain, type LaneOutcome } from "./second-try.ts";
import { sideBySide } from "./side-by-side.ts";

export interface LanesOutcome extends Outcome {
  /** What each lane has come to. */
  readonly lines: readonly string[];
}

export interface RunLanes {
  readonly lanes: readonly Lane[];
  readonly files: readonly string[];
  /** Options of mocha. */
  readonly config: Readonly<Record<string, unknown>>;
  /** So many of the slowest files and tests of each lane are printed. Absent: none. */
  readonly slowest?: string | undefined;
  /**
   * True: files that failed are run once more, each alone (second-try.ts), and what outlives the tests is
   * told as unsteady. Absent: false.
   */
  readonly triesAgain?: boolean;
}

interface Done {
  readonly name: string;
  readonly outcome: LaneOutcome;
  readonly ms: number;
}

/** Runs lanes side by side, and after them, one by one, the lanes that have to be alone. */
export async function runLanes(options: RunLanes): Promise<LanesOutcome> {
  const all = filesOfLanes(options.lanes, options.files);
  const jobs = (runs: Lane["runs"]) =>
    all
      .filter(({ lane }) => lane.runs === runs)
      .map(({ lane, files }) => async (): Promise<Done> => {
        const startedAtMs = performance.now();
        const outcome = await runLane(lane.name, files, options);
        return { name: lane.name, outcome, ms: performance.now() - startedAtMs };
      });
  const [busy, waiting] = await Promise.all([
    sideBySide(jobs(undefined), setupLimits.testLanesAtOnceMax),
    sideBySide(jobs("waits"), 1),
  ]);
  const once = [...busy, ...waiting, ...(await sideBySide(jobs("alone"), 1))];
  const done = options.triesAgain === true ? await tryAgain(once, options) : once;
  return {
    ...sumOf(done.map(({ outcome }) => outcome)),
    lines: done.map(({ name, outcome, ms }) => `  ${lineOf(name, ms, outcome)}`),
  };
}

async function tryAgain(done: readonly Done[], options: RunLanes): Promise<readonly Done[]> {
  let all = done;
  for (const file of filesToTryAgain(sumOf(done.map(({ outcome }) => outcome)))) {
    console.log(`--- ${file} failed, and is run once more, alone`);
    const second = await runLane("again", [file], options);
    all = all.map((one) => ({ ...one, outcome: afterSecondTry(one.outcome, file, second) }));
  }
  return all;
}

interface Summary extends Omit<LaneOutcome, "unsteady"> {
  readonly survivors: readonly string[];
}

async function runLane(label: string, files: readonly string[], options: RunLanes): Promise<LaneOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "novact-test-"));
  const [config, summary] = [join(directory, "mocharc.json"), join(directory, "summary.json")];
  try {
    writeFileSync(config, JSON.stringify({ ...options.config, spec: files, ignore: [] }));
    const { slowest } = options;
    const given = [`summary=${summary}`, ...(slowest === undefined ? [] : [`slowest=${slowest}`])];
    const reporter = given.flatMap((option) => ["--reporter-option", option]);
    const argv = ["mocha", "--config", config, "--reporter", "spec/support/summary-reporter.ts", ...reporter];
    const exitCode = await exitCodeOf(argv, { label });
    const written = existsSync(summary) ? readFileSync(summary, "utf8") : undefined;
    return judge(label, exitCode, written, options.triesAgain === true ? "unsteady" : "failed");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a lane has come to, by its exit code and by what its reporter wrote, if anything. */
export function judge(
  label: string,
  exitCode: number | null | undefined,
  summary: string | undefined,
  survivorsAre: "failed" | "unsteady" = "failed",
): LaneOutcome {
  if (summary === undefined) return alone(failed(label, "mocha ended before its tests did"));
  const { survivors, ...rest } = JSON.parse(summary) as Summary;
  const outcome = { ...rest, unsteady: [] };
  if (outcome.passed + outcome.failed + outcome.skipped.length === 0)
    return alone(failed(label, "there was no test in it"));
  const endedWell = exitCode === Math.min(outcome.failed, mochaExitCodeMax);
  if (!endedWell) return alsoFailed(outcome, label, outlived("mocha did not end well"));
  if (survivors.length === 0) return outcome;
  const reason = outlived(survivors.join(", "));
  if (survivorsAre === "unsteady") return { ...outcome, unsteady: [{ title: label, reason }] };
  return alsoFailed(outcome, label, reason);
}

/** Mocha's exit code is the number of its failures, up to this. */
const mochaExitCodeMax = 255;

const alone = (outcome: Outcome): LaneOutcome => ({ ...outcome, passedOf: {} });

const outlived = (what: string): string => `something outlived the tests: ${what}`;

const alsoFailed = (outcome: LaneOutcome, label: string, reason: string): LaneOutcome => ({
  ...sumOf([outcome, failed(label, reason)]),
  passedOf: outcome.passedOf,
});
