/** Boot slots: bounded, fair, and never lost. */
import { expect } from "chai";
import { createSlots } from "../../../../actors/node/machine/slots.ts";

const never = () => new AbortController().signal;

describe("machine: slots", () => {
  it("lets so many in at once, and the others in their order", async () => {
    const slots = createSlots(2);
    const entered: number[] = [];
    const leaves: (() => void)[] = [];
    const all = [0, 1, 2, 3].map((number) =>
      slots.enter(never()).then((leave) => {
        entered.push(number);
        leaves.push(leave);
      }),
    );
    await Promise.all(all.slice(0, 2));
    expect([entered, slots.waiting]).to.deep.equal([[0, 1], 2]);
    leaves[1]?.();
    await all[2];
    leaves[0]?.();
    await all[3];
    expect([entered, slots.waiting]).to.deep.equal([[0, 1, 2, 3], 0]);
  });

  it("counts a place that is left twice only once", async () => {
    const slots = createSlots(1);
    const leave = await slots.enter(never());
    leave();
    leave();
    await slots.enter(never());
    const waiting = slots.enter(AbortSignal.abort(new Error("full")));
    expect(await waiting.catch((error: unknown) => error)).to.be.instanceOf(Error);
    void slots.enter(never());
    expect(slots.waiting).to.equal(1);
  });

  it("forgets who gave up waiting", async () => {
    const slots = createSlots(1);
    const leave = await slots.enter(never());
    const abort = new AbortController();
    const given = slots.enter(abort.signal).catch((error: unknown) => error);
    const patient = slots.enter(never());
    abort.abort(new Error("no more"));
    expect(await given).to.be.instanceOf(Error);
    leave();
    expect(await patient).to.be.a("function");
  });
});
