/**
 * Hosts of simulated cells that give each other images while their agents are killed, and some of them lie:
 * guests are made of nothing but the image, hosts do give some, and all comes to rest.
 */
import { expect } from "chai";
import type { Fact } from "../../actors/promises/facts.ts";
import { imageMutants } from "./mutants-images.ts";
import { type Plan, type PlannedFault, planOf } from "./plan.ts";
import { runPlan } from "./run.ts";

const seeds = [1, 2];

/**
 * The plan that the mutant without the check of checksums is tried with, and agents that die all the time.
 */
function dyingPeers(seed: number, lyingPeers: boolean): Plan {
  const { shape } = imageMutants.find(({ name }) => name === "image-unverified") ?? {};
  const plan = shape?.(planOf(String(seed))) ?? planOf(String(seed));
  const { lyingPeers: _, ...parameters } = plan.parameters;
  const faults = Array.from({ length: 24 }, (_kill, index): PlannedFault => {
    return { atMs: 6_000 + index * 530, fault: "killAgent", target: index, forMs: 400 };
  });
  return { ...plan, parameters: { ...parameters, ...(lyingPeers && { lyingPeers }) }, faults };
}

async function outcomeOf(plan: Plan) {
  let fromHostsBytes = 0;
  const watch = (fact: Fact) => {
    if (fact.kind === "imageServed") fromHostsBytes += fact.fromHostsBytes ?? 0;
  };
  const { violations } = await runPlan(plan, { watch });
  return { fromHostsBytes, violations: violations.map(({ promise, message }) => `${promise}: ${message}`) };
}

describe("hosts that give each other images in a simulated cell", () => {
  for (const lies of [false, true])
    it(`give nothing but what is checked when their agents die${lies ? ", and each second one lies" : ""}`, async () => {
      let bytes = 0;
      for (const seed of seeds) {
        const { fromHostsBytes, violations } = await outcomeOf(dyingPeers(seed, lies));
        expect(violations, `seed ${seed}`).to.deep.equal([]);
        bytes += fromHostsBytes;
      }
      expect(bytes).to.be.above(0);
    }).timeout(180_000);
});
