/** When volumes are counted: nobody waits for it twice, and a slow storage is not counted all the time. */
import { expect } from "chai";
import { VolumeCount } from "../../../../nodes/drivers/volumes/count.ts";
import { volumeLimits } from "../../../../nodes/drivers/volumes/limits.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";

describe("the count of the volumes of a storage", () => {
  let clock: SimulatedClock;
  let counts: PromiseWithResolvers<number>[];
  let count: VolumeCount;
  let told: (number | string)[];
  beforeEach(() => {
    [clock, counts, told] = [new SimulatedClock(), [], []];
    count = new VolumeCount(clock, () => {
      const one = Promise.withResolvers<number>();
      counts.push(one);
      return one.promise;
    });
  });

  const ask = async () => {
    count.known().then(
      (bytes) => told.push(bytes),
      (error: unknown) => told.push(String(error)),
    );
    await clock.settle();
  };

  it("is waited for by those who ask first, and by nobody when one is known", async () => {
    await ask();
    await ask();
    expect([told, counts.length]).to.deep.equal([[], 1]);
    counts[0]?.resolve(7);
    await ask();
    expect([told, counts.length]).to.deep.equal([[7, 7, 7], 1]);
    await clock.advance(volumeLimits.countPeriodMs);
    await ask();
    await ask();
    expect([told.slice(3), counts.length]).to.deep.equal([[7, 7], 2]);
    counts[1]?.reject(new Error("silent"));
    await ask();
    expect(told.slice(5), "what was known stays known").to.deep.equal([7]);
  });

  it("begins anew after a first one that failed, which whoever waits is told", async () => {
    await ask();
    counts[0]?.reject(new Error("silent"));
    await clock.settle();
    await ask();
    counts[1]?.resolve(3);
    await clock.settle();
    expect(told).to.deep.equal(["Error: silent", 3]);
  });

  it("leaves a slow storage alone for many times as long as it took", async () => {
    await ask();
    await clock.advance(volumeLimits.countPeriodMs);
    counts[0]?.resolve(1);
    await clock.settle();
    await clock.advance(volumeLimits.countPeriodMs * volumeLimits.countPausesPerCount - 1);
    await ask();
    expect(counts).to.have.length(1);
    await clock.advance(1);
    await ask();
    expect(counts).to.have.length(2);
  });
});
