/**
 * Fakes of a plug-in's hypervisor in a simulated cluster: a good one passes, and each that is wrong is found.
 */
import { expect } from "chai";
import { toyHypervisor, wrongHypervisors } from "../support/toy-hypervisor.ts";
import { type Plan, planOf } from "./plan.ts";
import { runPlan } from "./run.ts";

/** A plan with guests that come, go and die, on disks of their hosts' own. */
function plan(seed: string): Plan {
  const { parameters, ...rest } = planOf(seed, { seconds: 30, hosts: 2, instances: 3 });
  const { sharedDisks: _, storageUnaware: __, ...own } = parameters;
  return { ...rest, parameters: { ...own, ownDisks: true } };
}

const seeds = ["1", "2", "3", "4", "5", "6", "7", "8"];

describe("a plug-in's hypervisor in simulated time", function () {
  this.timeout(120_000);

  it("passes when it keeps its promises, and its guests have started", async () => {
    let started = 0;
    for (const seed of seeds.slice(0, 3)) {
      const { violations } = await runPlan(plan(seed), {
        hypervisor: toyHypervisor,
        watch: ({ kind }) => {
          if (kind === "guestStarted") started += 1;
        },
      });
      expect(violations, seed).to.deep.equal([]);
    }
    expect(started).to.be.above(3);
  });

  it("has the same history for the same seed", async () => {
    const [first, second] = [
      await runPlan(plan("2"), { hypervisor: toyHypervisor }),
      await runPlan(plan("2"), { hypervisor: toyHypervisor }),
    ];
    expect(second.digest).to.equal(first.digest);
  });

  for (const [what, hypervisor] of Object.entries(wrongHypervisors))
    it(`is found when it ${what}`, async () => {
      for (const seed of seeds) {
        const { violations } = await runPlan(plan(seed), { hypervisor });
        if (violations.length > 0) return;
      }
      expect.fail("No seed has shown it.");
    });
});
