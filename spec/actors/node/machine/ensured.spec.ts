/** Which requests bring a machine anything new to write down, by value. */
import { expect } from "chai";
import { decide } from "../../../../actors/node/machine/decide.ts";
import { takesUp } from "../../../../actors/node/machine/ensure.ts";
import { blank, booted, done, ensured, following, known, machineAfter, settle } from "./worlds.ts";

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

describe("machine: one that has gone, and whose actor crashed before its host knew", () => {
  let going = following(
    settle(machineAfter(ensured({ generation: 2 })), booted),
    ensured({ generation: 3, power: "deleted" }),
  );
  while (!going.gone) going = known(settle(going, done));
  const went = { ...going.observation, generation: 40 };
  const asked = (...words: Parameters<typeof ensured>) =>
    decide({ kind: "blank", guest: undefined, went }, ensured(...words));

  it("is not made anew only to be removed: it says that it is gone", () => {
    expect(went).to.include({ state: "gone", intentGeneration: 3, ownerEpoch: 1 });
    const again = asked({ generation: 3, power: "deleted" });
    expect(again.answer).to.deep.equal({ kind: "observation", observation: went });
    expect([again.next.kind, again.save, again.effects]).to.deep.equal(["blank", undefined, []]);
    const older = asked({ generation: 9, power: "deleted" }, { ownerEpoch: 0, observedGeneration: 7 });
    expect(older.answer).to.deep.include({ kind: "observation" });
    expect([older.next.kind, older.effects]).to.deep.equal(["blank", []]);
  });

  it("does not come back by what is older than its end", () => {
    const reasonOf = ({ answer }: ReturnType<typeof asked>) =>
      answer?.kind === "denied" ? answer.denial.reason : answer?.kind;
    expect(reasonOf(asked({ generation: 3 }))).to.equal("staleGeneration");
    expect(reasonOf(asked({ generation: 9 }, { ownerEpoch: 0 }))).to.equal("staleEpoch");
  });

  it("comes back by what is newer, and speaks above its last word", () => {
    const newer = known(asked({ generation: 4 }).next);
    expect([newer.gone, newer.observation.generation > went.generation]).to.deep.equal([false, true]);
    expect(known(asked({ generation: 4 }, { ownerEpoch: 2 }).next).spec.ownerEpoch).to.equal(2);
  });
});
