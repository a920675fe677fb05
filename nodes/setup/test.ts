/**
 * `npm test`: every check that can run on this computer, from types to real guests, with the time of each
 * phase. The last line is plain: `N passed, N failed, N skipped`; above it stand the reasons of each failed
 * and each skipped test, so that the end of the output is enough to know what is wrong. A phase that fails
 * does not keep the next one from running. A live spec that failed once beside others is told as unsteady.
 *
 * NOVACT_SLOWEST=30 prints the 30 slowest files and tests of each lane of specs.
 */
import "../process/umask.ts";
import { loadConfig, statePaths } from "../config/config.ts";
import { buildGuest, findGuest } from "./guest/build.ts";
import { setupLimits } from "./limits.ts";
import { liveLanes, specLanes } from "./tests/lanes.ts";
import { failed, lineOf, nothing, type Outcome, passed, sumOf } from "./tests/outcome.ts";
import { succeeds } from "./tests/program.ts";
import { type RunLanes, runLanes } from "./tests/run-lanes.ts";
import { liveFiles, mochaConfig, specFiles } from "./tests/spec-files.ts";

interface PhaseOutcome extends Outcome {
  /** Lines of lanes. Absent: the phase has no lanes. */
  readonly lines?: readonly string[];
}

interface Phase {
  readonly name: string;
  run(): Promise<PhaseOutcome>;
}

const check = (name: string, argv: readonly string[]): Phase => ({
  name,
  run: async () => ((await succeeds(argv, { label: name })) ? passed : failed(name, "see its output above")),
});

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

const config = mochaConfig();
const specs = (name: string, what: Omit<RunLanes, "slowest">): Phase => ({
  name,
  run: () => runLanes({ ...what, slowest: process.env.NOVACT_SLOWEST }),
});

/** The phases, row by row; those of one row run side by side. */
const rows: readonly (readonly Phase[])[] = [
  [
    check("types", ["tsc", "--noEmit"]),
    check("format and lint", ["biome", "check", "--error-on-warnings", "."]),
    guest,
  ],
  [
    specs("specs", {
      lanes: specLanes,
      files: specFiles(config),
      config: { ...config, timeout: setupLimits.testMsMax },
    }),
  ],
  [
    specs("live specs", {
      lanes: liveLanes,
      files: liveFiles(config),
      config: { ...config, timeout: setupLimits.testLiveMsMax },
      triesAgain: true,
    }),
  ],
];

async function timed({ name, run }: Phase): Promise<PhaseOutcome & { readonly line: string }> {
  console.log(`--- ${name}`);
  const startedAtMs = performance.now();
  const outcome = await run();
  return { ...outcome, line: lineOf(name, performance.now() - startedAtMs, outcome) };
}

const outcomes: (PhaseOutcome & { readonly line: string })[] = [];
for (const row of rows) outcomes.push(...(await Promise.all(row.map(timed))));

const all = sumOf(outcomes);
console.log("");
for (const { title, reason } of all.failures) console.log(`failed: ${title} (${reason})`);
for (const { title, reason } of all.unsteady) console.log(`unsteady: ${title} (${reason})`);
for (const { title, reason } of all.skipped) console.log(`skipped: ${title} (${reason})`);
for (const { line, lines = [] } of outcomes) for (const each of [line, ...lines]) console.log(each);
console.log("");
console.log(`${all.passed} passed, ${all.failed} failed, ${all.skipped.length} skipped`);
process.exit(all.failed === 0 ? 0 : 1);
