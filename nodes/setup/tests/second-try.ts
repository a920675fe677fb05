/**
 * What becomes of a spec with real servers that failed: it is run once more, alone. A computer that is shared
 * can keep any process waiting for a minute, and of a thousand specs with real processes one then fails
 * without a fault of the change. One that passes alone is unsteady: that is told, with what it failed by, for
 * it is a fault of the spec or of the product that only shows beside others. One that fails again has failed.
 * Where much fails, nothing is tried again: that is no chance.
 */
import { setupLimits } from "../limits.ts";
import { type Outcome, sumOf } from "./outcome.ts";

/** What a lane has come to. `passedOf`: how many tests of each of its files have passed. */
export interface LaneOutcome extends Outcome {
  readonly passedOf: Readonly<Record<string, number>>;
}

/** The files to be run once more; empty: none is, for nothing failed, or too much. */
export function filesToTryAgain({ failures }: Outcome): readonly string[] {
  const files = [...new Set(failures.flatMap(({ file }) => (file === undefined ? [] : [file])))];
  return files.length > setupLimits.testFilesTriedAgainMax ? [] : files;
}

/** What a lane has come to when its `file` was run alone. What was skipped the first time stays skipped. */
export function afterSecondTry(first: LaneOutcome, file: string, second: Outcome): LaneOutcome {
  const isOfFile = (failure: { readonly file?: string | undefined }) => failure.file === file;
  const unsteady = first.failures.filter(isOfFile);
  if (second.failed > 0 || second.passed === 0 || unsteady.length === 0) return first;
  const wereSkipped = new Set(first.skipped.map(({ title }) => title));
  // A test that is skipped now says nothing of the failure before.
  if (second.skipped.some(({ title }) => !wereSkipped.has(title))) return first;
  const { failed, passed, failures, passedOf } = first;
  return {
    ...sumOf([first, { ...second, skipped: [], unsteady }]),
    passed: passed - (passedOf[file] ?? 0) + second.passed,
    failed: failed - unsteady.length,
    failures: failures.filter((failure) => !isOfFile(failure)),
    passedOf: { ...passedOf, [file]: second.passed },
  };
}
