/**
 * Where the time of a run of specs goes: by file, with its hooks, and by test. Only suites at the top of a
 * file are timed, so that each second counts once.
 */
import Mocha from "mocha";

const { EVENT_SUITE_BEGIN, EVENT_SUITE_END, EVENT_TEST_PASS, EVENT_TEST_FAIL } = Mocha.Runner.constants;

export interface Spent {
  readonly name: string;
  readonly ms: number;
}

export interface Times {
  readonly files: readonly Spent[];
  readonly tests: readonly Spent[];
}

/** Listens to a run; the times are read when it has ended. `root`: what paths are shortened by. */
export function timesOf(runner: Mocha.Runner, root: string, nowMs = () => performance.now()): () => Times {
  const files = new Map<string, number>();
  const tests: Spent[] = [];
  let begunAtMs = 0;
  const isTop = (suite: Mocha.Suite) => suite.parent?.root === true;
  runner.on(EVENT_SUITE_BEGIN, (suite) => {
    if (isTop(suite)) begunAtMs = nowMs();
  });
  runner.on(EVENT_SUITE_END, (suite) => {
    if (!isTop(suite)) return;
    const name = (suite.file ?? "?").replace(`${root}/`, "");
    files.set(name, (files.get(name) ?? 0) + nowMs() - begunAtMs);
  });
  const note = (test: Mocha.Test) => tests.push({ name: test.fullTitle(), ms: test.duration ?? 0 });
  runner.on(EVENT_TEST_PASS, note);
  runner.on(EVENT_TEST_FAIL, note);
  return () => ({ files: [...files].map(([name, ms]) => ({ name, ms })), tests });
}

/** The slowest of both kinds, one a line, the slowest first. */
export function slowestLines({ files, tests }: Times, count: number): readonly string[] {
  const lines = (all: readonly Spent[]) =>
    [...all]
      .sort((left, right) => right.ms - left.ms)
      .slice(0, count)
      .map(({ name, ms }) => `${(ms / 1_000).toFixed(1).padStart(8)} s  ${name}`);
  const all = files.reduce((sum, { ms }) => sum + ms, 0);
  const heading = `${files.length} files with their hooks, ${(all / 1_000).toFixed(1)} s; the slowest:`;
  return [heading, ...lines(files), `${tests.length} tests; the slowest:`, ...lines(tests)];
}
