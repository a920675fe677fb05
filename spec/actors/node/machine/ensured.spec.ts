/** Which requests bring a machine anything new to write down, by value. */
import { expect } from "chai";
import { decide } from "../../../../actors/node/machine/decide.ts";
import { takesUp } from "../../../../actors/node/machine/ensure.ts";
import { blank, booted, ensured, machineAfter, settle } from "./worlds.ts";

describe("machine: what it takes up", () => {
  const running = settle(machineAfter(ensured({ generation: 2 })), booted);
  const replaced = decide(running, ensured({ generation: 3 }, { ownerEpoch: 2 })).next;
  const isTaken = (before: typeof replaced, ...asked: Parameters<typeof ensured>) =>
    takesUp(before, decide(before, ensured(...asked)).next);

  it("is its first intent, a newer one, and that of a newer owner epoch", () => {
    expect(isTaken(blank)).to.equal(true);
    expect(isTaken(running, { generation: 3 })).to.equal(true);
    expect(isTaken(running, { generation: 2 }, { ownerEpoch: 2 })).to.equal(true);
    expect(isTaken(replaced, { generation: 4 }, { ownerEpoch: 2 })).to.equal(true);
  });

  it("is no repetition, whatever else the request knows, and none that is refused", () => {
    expect(isTaken(running, { generation: 2 })).to.equal(false);
    expect(isTaken(running, { generation: 2 }, { observedGeneration: 500 })).to.equal(false);
    expect(isTaken(running, { generation: 1 })).to.equal(false);
    expect(isTaken(running, { generation: 9 }, { ownerEpoch: 0 })).to.equal(false);
    expect(isTaken(replaced, { generation: 3 }, { ownerEpoch: 2 })).to.equal(false);
    expect(isTaken(replaced, { generation: 9 })).to.equal(false);
  });
});
