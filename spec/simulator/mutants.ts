/**
 * Guards of the code, each with the text that switches it off. The simulator must notice when one is gone
 * (mutants-run.ts); whoever changes such a line finds the spec red and changes the row with it. `find` stands
 * exactly once in its file, comments included.
 */
import type { PromiseId } from "../../actors/promises/facts.ts";
import { hostMutants } from "./mutants-hosts.ts";
import { readerMutants } from "./mutants-readers.ts";
import { recordMutants } from "./mutants-records.ts";
import { type Plan, type PlanSize, planOf } from "./plan.ts";

export interface Mutant {
  readonly name: string;
  /** What must break without the guard. */
  readonly promise: PromiseId;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** What the guard sees to. */
  readonly guard: string;
  /** Where the size that seeds draw shows it too rarely. */
  readonly size?: PlanSize;
  /** The same, where the size is not enough: makes the plan of a seed another. */
  readonly shape?: (plan: Plan) => Plan;
}

/** What a seed is for this mutant; a size that somebody asks for comes before its own. */
export function planOfMutant(
  seed: string,
  { size, shape }: Pick<Mutant, "size" | "shape">,
  asked: PlanSize,
): Plan {
  const plan = planOf(seed, { ...size, ...asked });
  return shape === undefined ? plan : shape(plan);
}

export const mutants: readonly Mutant[] = [...recordMutants, ...hostMutants, ...readerMutants];
