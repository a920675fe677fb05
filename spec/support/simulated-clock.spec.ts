/**
 * The simulated clock keeps the promises of the Clock port, and those that tests rely on: one order, no real
 * time.
 */
import { expect } from "chai";
import fc from "fast-check";
import { SimulatedClock } from "./simulated-clock.ts";

describe("the simulated clock", () => {
  it("fires timers in order of time, then of registration, each at its time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 50 }), { maxLength: 40 }), async (delays) => {
        const clock = new SimulatedClock({ monotonicMs: 1_000 });
        const fired: { readonly delay: number; readonly index: number }[] = [];
        delays.forEach((delay, index) => {
          clock.after(delay, () => {
            expect(clock.monotonicMs()).to.equal(1_000 + delay);
            fired.push({ delay, index });
          });
        });
        await clock.advance(50);
        const expected = delays.map((delay, index) => ({ delay, index }));
        expected.sort((a, b) => a.delay - b.delay || a.index - b.index);
        expect(fired).to.deep.equal(expected);
        expect(clock.pending).to.equal(0);
      }),
      { numRuns: 50 },
    );
  });

  it("never fires a timer at once, nor one that was cancelled", async () => {
    const clock = new SimulatedClock();
    let fired = 0;
    clock.after(0, () => {
      fired += 1;
    });
    const cancelled = clock.after(5, () => {
      fired += 100;
    });
    expect(fired).to.equal(0);
    cancelled.cancel();
    await clock.advance(10);
    expect(fired).to.equal(1);
  });

  it("runs what a timer set off before it fires the next", async () => {
    const clock = new SimulatedClock();
    const order: string[] = [];
    clock.after(1, async () => {
      await Promise.resolve();
      order.push("first");
      clock.after(0, () => order.push("second"));
    });
    clock.after(2, () => order.push("third"));
    await clock.advance(2);
    expect(order).to.deep.equal(["first", "second", "third"]);
  });

  it("runs until a condition holds and says how long it took, or that it never will", async () => {
    const clock = new SimulatedClock();
    let beats = 0;
    const beat = (): void => {
      beats += 1;
      if (beats < 10) clock.after(100, beat);
    };
    clock.after(100, beat);
    expect(await clock.runUntil(() => beats === 3)).to.equal(300);
    const failure = async (run: Promise<unknown>): Promise<string> =>
      run.then(String, (error) => error.message);
    expect(await failure(clock.runUntil(() => false, 200))).to.include("over 200 ms");
    expect(await failure(clock.runUntil(() => false))).to.include("no timer left");
  });

  it("moves the wall clock with the other, and may shift it alone", async () => {
    const clock = new SimulatedClock({ wallMs: 5_000 });
    await clock.advance(10);
    clock.shiftWall(-3_000);
    expect([clock.nowMs(), clock.monotonicMs()]).to.deep.equal([2_010, 10]);
  });

  it("goes on when work waits for time, though it calls itself busy", async () => {
    const clock = new SimulatedClock();
    let busy = 1;
    clock.watch(() => busy);
    clock.after(10, () => {
      busy = 0;
    });
    await clock.advance(10);
    expect(busy).to.equal(0);
  });
});
