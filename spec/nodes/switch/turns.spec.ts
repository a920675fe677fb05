/** Turns among ports: nobody has two before everybody has had one. */
import { setImmediate as nextPass } from "node:timers/promises";
import { expect } from "chai";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import { Allowance, Turns } from "../../../nodes/switch/turns.ts";

const most = switchLimits.framesPerTurnMax;
const takeAll = (allowance: Allowance): number => {
  let taken = 1;
  while (allowance.take() && taken <= 2 * most) taken += 1;
  return taken;
};

describe("turns among ports", () => {
  it("end after so many frames, each port's for itself, and begin again with the next pass", async () => {
    const turns = new Turns();
    const [one, other] = [new Allowance(turns), new Allowance(turns)];
    expect([takeAll(one), takeAll(other), one.take()]).to.deep.equal([most, most, false]);
    await nextPass();
    expect(takeAll(one)).to.equal(most);
  });

  it("come once in each pass, to all that wait, and to nobody who is forgotten", async () => {
    const turns = new Turns();
    const gone: string[] = [];
    const port = (name: string) => ({
      go: () => {
        gone.push(name);
        if (name === "greedy" && gone.length < 6) turns.wait(greedy);
      },
    });
    const [greedy, modest, forgotten] = [port("greedy"), port("modest"), port("forgotten")];
    for (const one of [greedy, modest, forgotten]) turns.wait(one);
    turns.forget(forgotten);
    await nextPass();
    expect(gone).to.deep.equal(["greedy", "modest"]);
    turns.wait(modest);
    await nextPass();
    expect(gone).to.deep.equal(["greedy", "modest", "greedy", "modest"]);
  });
});
