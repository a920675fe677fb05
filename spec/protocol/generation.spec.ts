/** The numbers of observations: what an agent counts, a controller takes, from any number on. */
import { expect } from "chai";
import fc from "fast-check";
import { generationAfter, generationBase, isNewer, isPossible } from "../../protocol/generation.ts";
import { reportLimits } from "../../protocol/limits/report.ts";
import { Observation } from "../../protocol/machine.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { machine } from "../support/store-rows.ts";

const { observedCountMax, observedStepMax } = reportLimits;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const anyCount = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(1_000),
  fc.integer({ min: -3, max: 3 }).map((by) => observedCountMax + by),
);

describe(`generations of observations (seed ${seed})`, () => {
  it("what an agent counts next is newer and possible, whatever is stored", () => {
    fc.assert(
      fc.property(anyCount, (stored) => {
        const next = generationAfter(generationBase(stored));
        expect(isNewer(stored, next)).to.equal(true);
        expect(isPossible(stored, next)).to.equal(true);
        expect(validatorOf(Observation).accepts(machine("i1", { generation: next }))).to.equal(true);
      }),
      { seed },
    );
  });

  it("what was taken may be counted on from, and is never beyond the schema's bound", () => {
    fc.assert(
      fc.property(fc.option(anyCount, { nil: undefined }), anyCount, (stored, seen) => {
        if (!isPossible(stored, seen)) return;
        expect(seen).to.be.at.most(observedCountMax);
        expect(generationAfter(seen)).to.be.within(1, observedCountMax);
      }),
      { seed },
    );
  });

  it("a step of 2^32 is the longest, the first one included", () => {
    expect(isPossible(7, 7 + observedStepMax)).to.equal(true);
    expect(isPossible(7, 8 + observedStepMax)).to.equal(false);
    expect(isPossible(undefined, observedStepMax)).to.equal(true);
    expect(isPossible(undefined, observedStepMax + 1)).to.equal(false);
    expect(isPossible(observedCountMax - 1, observedCountMax + 1)).to.equal(false);
  });

  it("after the highest one the count begins anew, and nothing else comes before what is stored", () => {
    expect([undefined, 7, observedCountMax, 2 ** 53].map(generationBase)).to.deep.equal([0, 7, 0, 0]);
    expect(generationAfter(observedCountMax - 1)).to.equal(observedCountMax);
    expect(generationAfter(observedCountMax)).to.equal(1);
    expect(isNewer(observedCountMax, 1)).to.equal(true);
    expect(isNewer(observedCountMax, observedCountMax)).to.equal(false);
    expect(isNewer(observedCountMax - 1, 1)).to.equal(false);
    expect(isNewer(5, 5)).to.equal(false);
  });
});
