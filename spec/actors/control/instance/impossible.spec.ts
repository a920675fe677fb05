/**
 * Observations with numbers that cannot be: none changes a record, none is told to a host, and a row that has
 * such a number already becomes sound with the next honest report.
 */
import { expect } from "chai";
import fc from "fast-check";
import { decide } from "../../../../actors/control/instance/decide.ts";
import { workEffects } from "../../../../actors/control/instance/state.ts";
import type { LoadedInstance } from "../../../../actors/records/instance.ts";
import { isPossible } from "../../../../protocol/generation.ts";
import { reportLimits } from "../../../../protocol/limits/report.ts";
import { machineStates } from "../../../../protocol/states.ts";
import { command, newborn, observed } from "../../../support/instances.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const poison = Number.MAX_SAFE_INTEGER - 5;
const running = (): LoadedInstance => {
  const born = newborn();
  return decide(born, observed(born)).next;
};
const withGeneration = (loaded: LoadedInstance, generation: number): LoadedInstance => ({
  ...loaded,
  machines: loaded.machines.map((machine) => ({ ...machine, generation })),
});
const told = (loaded: LoadedInstance) =>
  workEffects(loaded).flatMap((effect) => (effect.kind === "ensure" ? [effect.observedGeneration] : []));

describe(`instance decide: numbers that cannot be (seed ${seed})`, () => {
  it("changes nothing for a generation far above the stored one, and for a first one far above 0", () => {
    const loaded = running();
    const far = observed(loaded, { generation: 2 + reportLimits.observedStepMax, state: "failed" });
    const decision = decide(loaded, far);
    expect(decision).to.deep.equal({
      outcome: { kind: "unchanged" },
      next: loaded,
      commit: undefined,
      effects: [],
    });
    const born = newborn();
    expect(decide(born, observed(born, { generation: poison })).next).to.equal(born);
  });

  it("takes any honest generation over a stored one that cannot be, in a commit that drops the old row", () => {
    const loaded = withGeneration(running(), poison);
    const { commit, next } = decide(loaded, observed(loaded, { generation: 13, state: "stopped" }));
    const { id, ownerEpoch } = loaded.instance;
    expect(commit?.machinesGone).to.deep.equal([{ instanceId: id, ownerEpoch }]);
    expect(commit?.machines?.map(({ generation, state }) => [generation, state])).to.deep.equal([
      [13, "stopped"],
    ]);
    expect(next.machines).to.have.length(1);
    const { commit: ordinary } = decide(running(), observed(running(), { state: "stopped" }));
    expect(ordinary?.machinesGone).to.deep.equal([]);
  });

  it("ends a delete by the `gone` of an honest agent, and tells no host the number", () => {
    const loaded = withGeneration(running(), poison);
    expect(told(running())).to.deep.equal([1]);
    expect(told(loaded)).to.deep.equal([0]);
    const deleting = decide(loaded, command("delete")).next;
    const { next, commit } = decide(deleting, observed(deleting, { generation: 1, state: "gone" }));
    expect(next.instance.state).to.equal("deleted");
    expect(commit?.claimsReleased).to.have.length(1);
    expect(commit?.machinesGone).to.have.length(1);
  });

  it("tells a host again what it reports wrongly, and not what it has just answered", () => {
    const loaded = running();
    const [seen] = loaded.machines;
    const differing = observed(loaded, { generation: seen?.generation ?? 1, state: "failed" });
    expect(decide(loaded, differing).effects).to.have.length(1);
    expect(decide(loaded, { ...differing, answers: true }).effects).to.deep.equal([]);
    const strayed = observed(loaded, { ownerEpoch: 0, state: "running", intentGeneration: 1 });
    expect(decide(loaded, strayed).effects).to.have.length(1);
    expect(decide(loaded, { ...strayed, answers: true }).effects).to.deep.equal([]);
  });

  it("never throws, and stores no number from which nobody can count on, whatever a host says", () => {
    const count = fc.oneof(fc.maxSafeNat(), fc.nat(5), fc.constant(poison));
    const said = fc.record({
      ownerEpoch: fc.oneof(fc.constant(1), count),
      generation: count,
      intentGeneration: count,
      resetCount: count,
      state: fc.constantFrom(...machineStates),
      atMs: count,
      leaseEpoch: count,
      hostId: fc.constantFrom("a", "b"),
    });
    fc.assert(
      fc.property(fc.option(count, { nil: undefined }), said, (stored, change) => {
        const loaded = stored === undefined ? newborn() : withGeneration(running(), stored);
        const { next } = decide(loaded, observed(loaded, change));
        if (next === loaded) return;
        expect(isPossible(stored, change.generation)).to.equal(true);
        for (const { generation } of next.machines)
          expect(generation).to.be.at.most(reportLimits.observedCountMax);
      }),
      { seed, numRuns: 2_000 },
    );
  });
});
