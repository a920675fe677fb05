/**
 * The end of a command on several things: each error once more in full, after all that was done; then one
 * line that says how many; and the exit code of the worst.
 */
import { exitCodes } from "../../package/exit-codes.ts";
import { exitCodeFor, shownOf } from "../errors.ts";
import { commandLimits } from "../limits.ts";
import type { Run } from "../run.ts";

/** An error of one of several things. */
export interface Refusal {
  /** As the person called the thing. */
  readonly name: string;
  readonly thrown: unknown;
}

/**
 * From the best to the worst: what may have happened is worse than what has not, and a bug worse than
 * both.
 */
const fromBest: readonly number[] = [
  exitCodes.ok,
  exitCodes.usage,
  exitCodes.notFound,
  exitCodes.conflict,
  exitCodes.exhausted,
  exitCodes.denied,
  exitCodes.unavailable,
  exitCodes.timeout,
  exitCodes.internal,
].map(({ exit }) => exit);

export function worstExit(exits: readonly number[]): number {
  const rank = (exit: number): number => fromBest.indexOf(exit);
  return exits.reduce(
    (worst, exit) => (rank(exit) > rank(worst) ? exit : worst),
    exitCodes.ok.exit as number,
  );
}

function tell(run: Run, { name, thrown }: Refusal): void {
  const shown = shownOf(thrown);
  const named = { ...shown, subject: name };
  run.tell(run.output.kind === "json" ? named : { ...shown, message: `${name}: ${shown.message}` });
}

/** Tells the errors, the first ones of many; answers the worst exit code. */
export function tellRefusals(run: Run, refusals: readonly Refusal[]): number {
  for (const refusal of refusals.slice(0, commandLimits.namedMax)) tell(run, refusal);
  const more = refusals.length - commandLimits.namedMax;
  if (more > 0 && !run.json) run.remark(`And ${more} more errors.`);
  return worstExit(refusals.map(({ thrown }) => exitCodeFor(thrown)));
}

/** Prints `delete: 3 of 5 done, 1 failed, 1 refused.` below a command on several things; not in JSON. */
export function tellSummary(
  run: Run,
  verb: string,
  { total, counts }: { readonly total: number; readonly counts: Readonly<Record<string, number>> },
): void {
  if (total < 2 || run.json) return;
  const [[what, count] = ["done", 0], ...others] = Object.entries(counts);
  const rest = others.map(([word, number]) => (number === 0 ? "" : `, ${number} ${word}`)).join("");
  run.remark(`${verb}: ${count === total ? `all ${total}` : `${count} of ${total}`} ${what}${rest}.`);
}
