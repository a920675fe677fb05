/** Of lines that a peer causes with every message, few are written, and none is forgotten. */
import { expect } from "chai";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { Quiet } from "../../../protocol/wire/quiet.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("wire: lines of the log that others cause", () => {
  it("are written once in a period for each key, and count those between", async () => {
    const clock = new SimulatedClock();
    const quiet = new Quiet(clock);
    expect([quiet.due("a"), quiet.due("a"), quiet.due("b"), quiet.due("a")]).to.deep.equal([
      0,
      undefined,
      0,
      undefined,
    ]);
    await clock.advance(wireLimits.sameLinePeriodMs);
    expect([quiet.due("a"), quiet.due("b"), quiet.due("a")]).to.deep.equal([2, 0, undefined]);
  });

  it("have a bounded number of keys: the one that was written longest ago is forgotten", () => {
    const quiet = new Quiet(new SimulatedClock());
    for (let key = 0; key <= wireLimits.sameLinesMax; key += 1) quiet.due(String(key));
    expect(quiet.due("1")).to.equal(undefined);
    expect(quiet.due("0")).to.equal(0);
  });
});
