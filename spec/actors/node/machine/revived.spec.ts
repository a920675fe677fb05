/** Generations across restarts of the agent, when it could not write its files. */
import { expect } from "chai";
import { fileOf, revive } from "../../../../actors/node/machine/file.ts";
import { at, ensured, following, known, machineAfter, situations } from "./worlds.ts";

describe("machine: a life from its file", () => {
  it("says anew what it sees, when the life before has used its generation and could not write that", () => {
    const file = fileOf(known(situations().running ?? machineAfter()));
    const living = { ownerEpoch: 1, status: "running" as const, startedAtMs: 5 };
    const machine = following(revive(file, living), { kind: "begin", at: at() });
    const { generation } = machine.observation;
    const told = (observedGeneration: number) =>
      following(machine, ensured({}, { observedGeneration })).observation.generation;
    expect(told(generation - 1)).to.equal(generation);
    expect(told(generation)).to.be.above(generation);
    expect(told(generation + 5)).to.be.above(generation + 5);
  });
});
