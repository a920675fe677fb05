/**
 * Each loop of a controller, thrown in, hung, and thrown in until its supervisor gives it up: every loop goes
 * on afterwards, is shown, and everything comes to rest as it was asked for.
 */
import { expect } from "chai";
import { loopsStruck } from "./mutants-plans.ts";
import { type Plan, type PlannedFault, planOf } from "./plan.ts";
import { controllerLoops } from "./plan-disturbances.ts";
import { runPlan } from "./run.ts";

const size = { controllers: 1, hosts: 2, seconds: 45 } as const;

/** Loops that a running controller begins by itself; the others need something to do. */
const always = controllerLoops.filter((name) => name !== "renewals" && name !== "breaker");

/** Every loop throws more often in a row than its supervisor bears. */
function givenUp(plan: Plan): Plan {
  const shaped = loopsStruck(plan);
  const faults = controllerLoops.map((message, index): PlannedFault => {
    const times = 7;
    return { atMs: 5_000 + index * 4_000, fault: "loopBreaks", target: 0, forMs: 40_000, message, times };
  });
  return { ...shaped, faults };
}

describe("the simulator strikes loops", () => {
  for (const seed of ["1", "2"]) {
    it(`that throw and hang, and all of them go on (seed ${seed})`, async () => {
      const { violations, coverage } = await runPlan(loopsStruck(planOf(seed, size)));
      expect(violations).to.deep.equal([]);
      const struck = always.filter((name) => (coverage.crashes[`round of ${name}`] ?? 0) > 0);
      expect(struck).to.deep.equal(always);
    }).timeout(120_000);

    it(`until their supervisors give them up, and all of them go on (seed ${seed})`, async () => {
      const { violations, coverage } = await runPlan(givenUp(planOf(seed, size)));
      expect(violations).to.deep.equal([]);
      expect(coverage.crashes["round of directory"]).to.be.greaterThan(5);
      expect(coverage.crashes["round of fencer"]).to.be.greaterThan(5);
    }).timeout(120_000);
  }
});
