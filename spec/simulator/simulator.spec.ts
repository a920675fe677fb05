/**
 * The simulated cell keeps all promises: for a fixed set of seeds, for fresh ones of every day, and for what
 * broke once. And the simulator keeps its own: a seed is a run, byte for byte.
 */
import { expect } from "chai";
import { type Plan, planOf } from "./plan.ts";
import { type Regression, regressions } from "./regressions.ts";
import { runPlan } from "./run.ts";

const fixedSeeds = 150;
const freshSeeds = 30;
/** Seeds of one test: so many take a few seconds. */
const seedsPerTest = 30;
const timeoutMs = 180_000;

/** What a run breaks, with all that is needed to see it again. */
async function broken(plan: Plan, how: string): Promise<readonly string[]> {
  const { violations } = await runPlan(plan);
  return violations.map(({ promise, message }) => `${promise}: ${message} npm run simulate -- ${how}`);
}

async function brokenBySeeds(from: number, count: number): Promise<readonly string[]> {
  const all: string[] = [];
  for (let seed = from; seed < from + count; seed += 1)
    all.push(...(await broken(planOf(String(seed)), `--seed ${seed}`)));
  return all;
}

async function traceOf(plan: Plan): Promise<{ readonly text: string; readonly digest: string }> {
  const lines: string[] = [];
  const { digest } = await runPlan(plan, { write: (line) => lines.push(line) });
  return { text: lines.join("\n"), digest };
}

describe("a simulated cell", () => {
  for (let from = 1; from <= fixedSeeds; from += seedsPerTest)
    it(`keeps all promises, seeds ${from} to ${from + seedsPerTest - 1}`, async () => {
      expect(await brokenBySeeds(from, seedsPerTest)).to.deep.equal([]);
    }).timeout(timeoutMs);

  // Drawn anew each time, and named in the title: what it finds can be had again.
  const fresh = Math.floor(Date.now() / 1_000) * 100;
  it(`keeps all promises, fresh seeds ${fresh} to ${fresh + freshSeeds - 1}`, async () => {
    expect(await brokenBySeeds(fresh, freshSeeds)).to.deep.equal([]);
  }).timeout(timeoutMs);

  for (const { run, broke } of regressions)
    it(`does not break again: ${broke}`, async () => {
      expect(await broken(planFor(run), `--seed ${run.seed}`)).to.deep.equal([]);
    }).timeout(timeoutMs);
});

const planFor = (run: Regression["run"]): Plan => ("commands" in run ? run : planOf(run.seed, run.size));

describe("a seed", () => {
  it("is a run: the same trace, byte for byte, and the same digest when nobody reads", async () => {
    const plan = planOf("7");
    const [first, second] = [await traceOf(plan), await traceOf(plan)];
    expect(first.text.length).to.be.greaterThan(10_000);
    expect(second.text === first.text, "the traces are the same").to.equal(true);
    expect((await runPlan(plan)).digest).to.equal(first.digest);
  }).timeout(timeoutMs);

  it("is another run than its neighbour", async () => {
    expect((await runPlan(planOf("7"))).digest).to.not.equal((await runPlan(planOf("8"))).digest);
  }).timeout(timeoutMs);
});
