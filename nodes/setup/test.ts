/**
 * `npm test`: every check that can run on this computer, from types to real guests, with the time of each
 * phase. The last line is plain: `N passed, N failed, N skipped`; above it stand the reasons of each failed
 * and each skipped test, so that the end of the output is enough to know what is wrong. A phase that fails
 * does not keep the next one from running.
 */
import "../process/umask.ts";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, statePaths } from "../config/config.ts";
import { buildGuest, findGuest } from "./guest/build.ts";
import { setupLimits } from "./limits.ts";

const project = join(import.meta.dirname, "..", "..");

interface TitledReason {
  readonly title: string;
  readonly reason: string;
}

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly TitledReason[];
  readonly skipped: readonly TitledReason[];
}

interface Phase {
  readonly name: string;
  run(): Promise<Outcome>;
}

const nothing: Outcome = { passed: 0, failed: 0, failures: [], skipped: [] };

const passed: Outcome = { ...nothing, passed: 1 };

const failed = (title: string, reason: string): Outcome => ({
  ...nothing,
  failed: 1,
  failures: [{ title, reason }],
});

/** Whether the program succeeded within its time; its output goes to ours. */
function succeeds(argv: readonly string[]): Promise<boolean> {
  const [program = "", ...rest] = argv;
  const child = spawn(join(project, "node_modules", ".bin", program), rest, {
    cwd: project,
    stdio: "inherit",
  });
  const timer = setTimeout(() => {
    console.error(`${program} did not end within ${setupLimits.testPhaseMsMax / 1_000} s and is killed.`);
    child.kill("SIGKILL");
  }, setupLimits.testPhaseMsMax);
  return new Promise((resolve) => {
    const end = (succeeded: boolean) => {
      clearTimeout(timer);
      resolve(succeeded);
    };
    child.on("error", (error) => {
      console.error(`${program} could not be started: ${error.message}`);
      end(false);
    });
    child.on("exit", (code) => end(code === 0));
  });
}

const check = (name: string, argv: readonly string[]): Phase => ({
  name,
  run: async () => ((await succeeds(argv)) ? passed : failed(name, "see its output above")),
});

function specs(name: string, argv: readonly string[]): Phase {
  return { name, run: () => runSpecs(name, argv) };
}

async function runSpecs(name: string, argv: readonly string[]): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "novact-test-"));
  const summary = join(directory, "summary.json");
  try {
    const reporter = [
      "--reporter",
      "spec/support/summary-reporter.ts",
      "--reporter-option",
      `summary=${summary}`,
    ];
    const succeeded = await succeeds(["mocha", ...reporter, ...argv]);
    if (!existsSync(summary)) return failed(name, "mocha ended before its tests did");
    const outcome = JSON.parse(readFileSync(summary, "utf8")) as Outcome;
    if (succeeded || outcome.failed > 0) return outcome;
    const survivor = failed(
      name,
      "every test passed, but mocha did not end well: something outlived the tests",
    );
    return { ...survivor, passed: outcome.passed, skipped: outcome.skipped };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Live specs boot the tiny guest; without it they are skipped, and say so. */
const guest: Phase = {
  name: "tiny guest",
  run: async () => {
    const directory = statePaths(loadConfig()).guest;
    if (findGuest(directory) !== undefined) return nothing;
    try {
      await buildGuest(directory, (text) => console.log(`tiny guest: ${text}`));
      return nothing;
    } catch (error) {
      return failed("tiny guest", `it could not be built: ${(error as Error).message}`);
    }
  },
};

const live = ["--no-config", "--forbid-only", "--timeout", "60000", "spec/live/**/*.spec.ts"];

/** The phases, row by row; those of one row run side by side. */
const rows: readonly (readonly Phase[])[] = [
  [check("types", ["tsc", "--noEmit"]), guest],
  [check("format and lint", ["biome", "check", "--error-on-warnings", "."])],
  [specs("specs", [])],
  [specs("live specs", live)],
];

async function timed({ name, run }: Phase): Promise<Outcome & { readonly line: string }> {
  console.log(`--- ${name}`);
  const startedAtMs = performance.now();
  const outcome = await run();
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
  const skips = outcome.skipped.length === 0 ? "" : `, ${outcome.skipped.length} skipped`;
  const line = `${name.padEnd(16)} ${seconds.padStart(6)} s   ${outcome.passed} passed, ${outcome.failed} failed${skips}`;
  return { ...outcome, line };
}

const outcomes: (Outcome & { readonly line: string })[] = [];
for (const row of rows) outcomes.push(...(await Promise.all(row.map(timed))));

const skipped = outcomes.flatMap((outcome) => outcome.skipped);
const failures = outcomes.flatMap((outcome) => outcome.failures);
console.log("");
for (const { title, reason } of failures) console.log(`failed: ${title} (${reason})`);
for (const { title, reason } of skipped) console.log(`skipped: ${title} (${reason})`);
for (const { line } of outcomes) console.log(line);
const sum = (key: "passed" | "failed") => outcomes.reduce((total, outcome) => total + outcome[key], 0);
console.log("");
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${skipped.length} skipped`);
process.exit(sum("failed") === 0 ? 0 : 1);
