/** What a part of `npm test` has come to, and how parts are added up and told. */

export interface TitledReason {
  readonly title: string;
  readonly reason: string;
}

export interface Failure extends TitledReason {
  /** The spec's path. Absent: it is of no spec. */
  readonly file?: string | undefined;
}

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly failures: readonly Failure[];
  readonly skipped: readonly TitledReason[];
  /** What failed beside others, and passed alone afterwards (second-try.ts): none of it counts as failed. */
  readonly unsteady: readonly TitledReason[];
}

export const nothing: Outcome = { passed: 0, failed: 0, failures: [], skipped: [], unsteady: [] };

export const passed: Outcome = { ...nothing, passed: 1 };

export const failed = (title: string, reason: string): Outcome => ({
  ...nothing,
  failed: 1,
  failures: [{ title, reason }],
});

export const sumOf = (outcomes: readonly Outcome[]): Outcome => ({
  passed: outcomes.reduce((sum, one) => sum + one.passed, 0),
  failed: outcomes.reduce((sum, one) => sum + one.failed, 0),
  failures: outcomes.flatMap((one) => one.failures),
  skipped: outcomes.flatMap((one) => one.skipped),
  unsteady: outcomes.flatMap((one) => one.unsteady),
});

/** The line of a phase or a lane among the last ones of the output. */
export function lineOf(name: string, ms: number, outcome: Outcome): string {
  const skips = outcome.skipped.length === 0 ? "" : `, ${outcome.skipped.length} skipped`;
  const unsteady = outcome.unsteady.length === 0 ? "" : `, ${outcome.unsteady.length} unsteady`;
  const seconds = (ms / 1_000).toFixed(1).padStart(6);
  return `${name.padEnd(18)} ${seconds} s   ${outcome.passed} passed, ${outcome.failed} failed${skips}${unsteady}`;
}
