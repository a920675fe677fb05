/** Whether a thread that hangs is told from one that waits, on simulated time. */
import { expect } from "chai";
import { Pulse } from "../../../nodes/controller/pulse.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("controller: the pulse of its other thread", () => {
  let clock: SimulatedClock;
  let lost: number;
  let pulse: Pulse;
  beforeEach(() => {
    clock = new SimulatedClock();
    lost = 0;
    pulse = new Pulse({ clock, periodMs: 1_000, missedMax: 5, onLost: () => (lost += 1) });
  });

  it("is lost after so many periods without a word, and told of once", async () => {
    await clock.advance(5_999);
    expect(lost).to.equal(0);
    await clock.advance(1);
    expect(lost).to.equal(1);
    await clock.advance(60_000);
    expect([lost, clock.pending]).to.deep.equal([1, 0]);
  });

  it("is not lost as long as a word comes now and then", async () => {
    for (let word = 0; word < 20; word += 1) {
      await clock.advance(5_000);
      pulse.heard();
    }
    expect(lost).to.equal(0);
    await clock.advance(6_000);
    expect(lost).to.equal(1);
  });

  it("waits for nothing any more when it has ended", async () => {
    pulse.end();
    await clock.advance(60_000);
    expect([lost, clock.pending]).to.deep.equal([0, 0]);
  });
});
