/**
 * Each guard switched off in turn: some seed must show that a promise breaks, and the code as it is must pass
 * that very seed. A mutant that nothing notices is a hole in the simulator or in a checker.
 */
import type { PromiseId } from "../../actors/promises/facts.ts";
import { Progress } from "./many.ts";
import { Worker } from "./many-workers.ts";
import { type Mutant, planOfMutant } from "./mutants-plans.ts";
import type { Plan } from "./plan.ts";
import type { PlanSize } from "./plan-parameters.ts";

export interface Trying {
  /** At most, for each mutant. */
  readonly seeds: number;
  readonly from: number;
  readonly jobs: number;
  readonly size: PlanSize;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Caught {
  readonly promises: readonly PromiseId[];
  readonly seed: string;
  readonly message: string;
}

export interface Tried {
  readonly name: string;
  readonly promise: PromiseId;
  readonly tries: number;
  /** By the promise that was expected, or else the first that was not. */
  readonly caught: Caught | undefined;
}

/** Seeds that a mutant may go on for when only another promise than the expected one has broken. */
const goOnMax = 60;
/** A mutant may go round in circles: that is no reason to wait long. */
const mutantRunMsMax = 60_000;

export async function tryMutants(mutants: readonly Mutant[], trying: Trying): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  const reference = new Reference();
  const left = mutants.values();
  let present = "";
  const progress = new Progress(() => `${tried.length} of ${mutants.length} mutants, now ${present}`);
  const job = async () => {
    for (const mutant of left) {
      if (trying.signal.aborted) return;
      present = mutant.name;
      const one = await tryMutant(mutant, trying, reference);
      tried.push(one);
      progress.above(mutantLine(one), trying.say);
    }
  };
  await Promise.all(Array.from({ length: trying.jobs }, job));
  progress.end();
  reference.end();
  return mutants.flatMap(({ name }) => tried.find((one) => one.name === name) ?? []);
}

/** The unchanged code, and the plans that it passes. */
class Reference {
  readonly #worker = new Worker();
  readonly #passes = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  passes(plan: Plan, key: string): Promise<boolean> {
    const known = this.#passes.get(key);
    if (known !== undefined) return known;
    const asked = this.#last.then(async () => (await this.#worker.run(plan)).violations.length === 0);
    this.#last = asked;
    this.#passes.set(key, asked);
    return asked;
  }

  end(): void {
    this.#worker.end();
  }
}

async function tryMutant(mutant: Mutant, trying: Trying, reference: Reference): Promise<Tried> {
  const worker = new Worker(mutant.name, mutantRunMsMax);
  const end = () => worker.end();
  trying.signal.addEventListener("abort", end, { once: true });
  const { name, promise } = mutant;
  let caught: Caught | undefined;
  let goOn = trying.seeds;
  let tries = 0;
  try {
    for (; tries < trying.seeds && goOn > 0 && !trying.signal.aborted; tries += 1, goOn -= 1) {
      const plan = planOfMutant(String(trying.from + tries), mutant, trying.size);
      const { violations } = await Promise.race([worker.run(plan), nothing(trying.signal)]);
      const [first] = violations;
      if (first === undefined) continue;
      if (!(await reference.passes(plan, JSON.stringify([plan.seed, mutant.size, mutant.shape?.name]))))
        continue;
      const promises = [...new Set(violations.map((violation) => violation.promise))];
      const found = { promises, seed: plan.seed, message: first.message };
      if (promises.includes(promise)) return { name, promise, tries: tries + 1, caught: found };
      if (caught === undefined) goOn = goOnMax;
      caught ??= found;
    }
    return { name, promise, tries, caught };
  } finally {
    trying.signal.removeEventListener("abort", end);
    worker.end();
  }
}

/** What a run says that was called off. */
function nothing(signal: AbortSignal): Promise<{ readonly violations: readonly [] }> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve({ violations: [] }), { once: true });
  });
}

export function mutantLine({ name, promise, tries, caught }: Tried): string {
  const head = `${name.padEnd(26)} ${promise.padEnd(4)}`;
  if (caught === undefined) return `${head} NOT CAUGHT by ${tries} seeds`;
  const by = caught.promises.join(" ").padEnd(8);
  const message = caught.message.split("\n", 1)[0]?.slice(0, 100);
  return `${head} ${by} seed ${caught.seed.padEnd(4)} ${String(tries).padStart(3)} tries  ${message}`;
}

export function mutantLines(tried: readonly Tried[]): readonly string[] {
  const caught = tried.filter((one) => one.caught !== undefined);
  const asNamed = caught.filter((one) => one.caught?.promises.includes(one.promise) === true);
  return [
    `${"mutant".padEnd(26)} due  caught by`,
    ...tried.map(mutantLine),
    "",
    `${caught.length} of ${tried.length} mutants were caught, ${asNamed.length} of them by the promise that is named`,
  ];
}
