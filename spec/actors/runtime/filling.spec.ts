/** Work that fills a file system: called off before that is full, and looked at again sooner near its end. */
import { expect } from "chai";
import { filling, lookAgainMs } from "../../../actors/runtime/filling.ts";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

const { fillingLookMsMin, fillingLookMsMax, fillingBytesPerMs } = actorLimits;

describe("work that fills a file system", () => {
  let clock: SimulatedClock;
  let looks: number;
  let leftBytes: number;
  let signal: AbortSignal;
  let caller: AbortController;
  beforeEach(() => {
    [clock, caller] = [new SimulatedClock(), new AbortController()];
    [looks, leftBytes, signal] = [0, Number.POSITIVE_INFINITY, caller.signal];
  });

  const left = async () => {
    looks += 1;
    if (leftBytes < 0) throw new Error("It is full.");
    return leftBytes;
  };
  /** Ends when it is told to, or called off. */
  const begin = (copy = Promise.withResolvers<string>()) => {
    const outcome = filling({ clock, signal: caller.signal, left }, (until) => {
      signal = until;
      until.addEventListener("abort", () => copy.reject(new Error("It was killed.")));
      return copy.promise;
    }).catch((error: Error) => error.message);
    return { copy, outcome };
  };

  it("goes on to its end while there is room, and nobody looks afterwards", async () => {
    const { copy, outcome } = begin();
    await clock.advance(10 * fillingLookMsMax);
    const during = looks;
    expect(during).to.be.within(10, 11);
    copy.resolve("whole");
    expect(await outcome).to.equal("whole");
    await clock.advance(10 * fillingLookMsMax);
    expect(looks).to.equal(during);
  });

  it("is called off with what the look says, not with how the work ended then", async () => {
    const { outcome } = begin();
    await clock.advance(fillingLookMsMax);
    leftBytes = -1;
    await clock.advance(fillingLookMsMax);
    expect([await outcome, signal.aborted]).to.deep.equal(["It is full.", true]);
  });

  it("ends as it ends where its caller calls it off, or it fails by itself", async () => {
    const { outcome } = begin();
    caller.abort();
    expect(await outcome).to.equal("It was killed.");
    caller = new AbortController();
    const other = begin();
    other.copy.reject(new Error("It cannot be read."));
    expect(await other.outcome).to.equal("It cannot be read.");
    await clock.advance(10 * fillingLookMsMax);
    expect(looks).to.equal(0);
  });

  it("is not waited for by a look that never answers, nor waits for one", async () => {
    const never = filling(
      { clock, signal: caller.signal, left: () => new Promise(() => undefined) },
      async () => {
        await clock.advance(3 * fillingLookMsMax);
        return "whole";
      },
    );
    expect(await never).to.equal("whole");
  });

  it("is looked at again before the fastest disk could have filled what is left", () => {
    expect(lookAgainMs(0)).to.equal(fillingLookMsMin);
    expect(lookAgainMs(300 * fillingBytesPerMs)).to.equal(300);
    expect(lookAgainMs(Number.POSITIVE_INFINITY)).to.equal(fillingLookMsMax);
  });
});
