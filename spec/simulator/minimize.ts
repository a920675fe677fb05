/**
 * The shortest plan that still breaks a promise: first commands and faults are left out by halves, quarters
 * and so on (Zeller's ddmin), then kinds of trouble are switched off and the cluster is made smaller. It asks
 * whether a plan breaks the promise, and knows nothing of how that is found out.
 */
import { type Plan, setUpMs } from "./plan.ts";
import type { Parameters } from "./plan-parameters.ts";

export interface Minimizing {
  readonly isBroken: (plan: Plan) => Promise<boolean>;
  readonly triesMax: number;
  /** Aborted: what is known is good enough. */
  readonly signal?: AbortSignal;
  readonly told: (tries: number, plan: Plan) => void;
}

export async function minimize(plan: Plan, options: Minimizing): Promise<Plan> {
  const tries = new Tries(options);
  let best = plan;
  for (;;) {
    const before = sizeOf(best);
    best = await without(best, "faults", tries);
    best = await without(best, "commands", tries);
    best = await simpler(best, tries);
    if (tries.over || sizeOf(best) >= before) return best;
  }
}

export const sizeOf = ({ commands, faults, parameters }: Plan): number =>
  commands.length + faults.length + troubles.filter((name) => parameters[name] > 0).length;

class Tries {
  count = 0;
  readonly #options: Minimizing;

  constructor(options: Minimizing) {
    this.#options = options;
  }

  get over(): boolean {
    return this.count >= this.#options.triesMax || this.#options.signal?.aborted === true;
  }

  async isBroken(plan: Plan): Promise<boolean> {
    if (this.over) return false;
    this.count += 1;
    const broken = await this.#options.isBroken(plan);
    this.#options.told(this.count, plan);
    return broken;
  }
}

function without(plan: Plan, key: "commands" | "faults", tries: Tries): Promise<Plan> {
  const list: readonly unknown[] = plan[key];
  const planWith = (kept: readonly unknown[]) => ({ ...plan, [key]: kept }) as Plan;
  return ddmin(list, (kept) => tries.isBroken(planWith(kept))).then(planWith);
}

/** A sublist of which no single part can be left out any more, as long as `holds` answers. */
export async function ddmin<T>(
  list: readonly T[],
  holds: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  if (list.length > 0 && (await holds([]))) return [];
  let kept = list;
  for (let parts = 2; kept.length > 0; ) {
    const length = Math.ceil(kept.length / parts);
    const shorter = await firstThatHolds(kept, length, holds);
    if (shorter !== undefined) {
      kept = shorter;
      parts = Math.max(2, parts - 1);
    } else if (length <= 1) break;
    else parts = Math.min(kept.length, parts * 2);
  }
  return kept;
}

async function firstThatHolds<T>(
  kept: readonly T[],
  length: number,
  holds: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[] | undefined> {
  for (let from = 0; from < kept.length; from += length) {
    const shorter = [...kept.slice(0, from), ...kept.slice(from + length)];
    if (shorter.length > 0 && (await holds(shorter))) return shorter;
  }
  return undefined;
}

const troubles = [
  "lost",
  "doubled",
  "late",
  "rolledBack",
  "answerLost",
  "slow",
  "refused",
  "hang",
] as const satisfies readonly (keyof Parameters)[];

async function simpler(plan: Plan, tries: Tries): Promise<Plan> {
  let best = plan;
  for (const simpler of simplifications(plan)) {
    const candidate = simpler(best);
    if (await tries.isBroken(candidate)) best = candidate;
  }
  return best;
}

function simplifications({ parameters }: Plan): readonly ((plan: Plan) => Plan)[] {
  const present = troubles.filter((name) => parameters[name] > 0);
  const sizes = (["clients", "controllers", "hosts"] as const).flatMap((name) =>
    Array.from({ length: parameters[name] - 1 }, (_, index) => ({ [name]: index + 1 })),
  );
  const changes: readonly Partial<Parameters>[] = [...present.map((name) => ({ [name]: 0 })), ...sizes];
  return [...changes.map(changed), shorter];
}

/** Never larger than it is by now. */
const changed =
  (change: Partial<Parameters>) =>
  (plan: Plan): Plan => {
    const [[name, value] = ["hosts", 1]] = Object.entries(change);
    const present = plan.parameters[name as keyof Parameters] ?? 0;
    return present <= value ? plan : { ...plan, parameters: { ...plan.parameters, ...change } };
  };

/** The faults stop soon after the last thing that happens. */
function shorter(plan: Plan): Plan {
  const ends = [
    ...plan.commands.map(({ atMs }) => atMs),
    ...plan.faults.map(({ atMs, forMs }) => atMs + forMs),
  ];
  return { ...plan, faultyMs: Math.min(plan.faultyMs, Math.max(setUpMs, ...ends) + 1_000) };
}
