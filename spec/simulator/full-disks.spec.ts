/**
 * Full disks of each kind, for longer than a host lease, in cells that nothing else disturbs: no host is
 * fenced, no promise is broken, and everything comes to rest as it was asked for.
 */
import { expect } from "chai";
import type { Fact } from "../../actors/promises/facts.ts";
import { type Plan, type PlannedFault, planOf } from "./plan.ts";
import { runPlan } from "./run.ts";

const kinds = ["diskFull", "sharedFull", "storeFull", "disksLow"] as const;
const seedsPerKind = 5;

/** The cell and the commands of a seed, with full disks in place of all its faults and lost messages. */
function onlyFull(seed: number, faults: readonly (typeof kinds)[number][]): Plan {
  const plan = planOf(String(seed));
  const { parameters, faultyMs } = plan;
  const sound = { lost: 0, doubled: 0, late: 0, refused: 0, hang: 0, rolledBack: 0, answerLost: 0, slow: 0 };
  const planned = faults.flatMap((fault): readonly PlannedFault[] =>
    Array.from({ length: fault === "diskFull" ? parameters.hosts : 1 }, (_, target) => ({
      ...{ atMs: 5_000 + target * 500, fault, target },
      forMs: Math.min(60_000, faultyMs),
    })),
  );
  return { ...plan, parameters: { ...parameters, ...sound }, faults: planned };
}

async function outcomeOf(plan: Plan) {
  const fenced: string[] = [];
  const watch = (fact: Fact) => {
    if (fact.kind !== "committed" || fact.result.kind !== "committed") return;
    for (const { hostId } of fact.commit.leasesFenced ?? []) fenced.push(hostId);
  };
  const { violations } = await runPlan(plan, { watch });
  return { fenced, violations: violations.map(({ promise, message }) => `${promise}: ${message}`) };
}

describe("full disks in a simulated cell", () => {
  for (const faults of [...kinds.map((kind) => [kind]), [...kinds]])
    it(`fence no host and break nothing: ${faults.join(", ")}`, async () => {
      for (let seed = 1; seed <= seedsPerKind; seed += 1)
        expect(await outcomeOf(onlyFull(seed, faults)), `seed ${seed}`).to.deep.equal({
          fenced: [],
          violations: [],
        });
    }).timeout(180_000);
});
