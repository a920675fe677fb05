/** Generations across restarts of the agent, when it could not write its files. */
import { expect } from "chai";
import { fileOf, revive } from "../../../../actors/node/machine/file.ts";
import { reportLimits } from "../../../../protocol/limits/report.ts";
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

  const living = { ownerEpoch: 1, status: "running" as const, startedAtMs: 5 };
  const revivedAt = (generationCeiling: number) => {
    const file = fileOf(known(situations().running ?? machineAfter()));
    return following(revive({ ...file, generationCeiling }, living), { kind: "begin", at: at() });
  };
  const told = (observedGeneration: number) => ensured({}, { observedGeneration });

  it("counts on from what controllers have when its file has a number that cannot be", () => {
    for (const damaged of [2 ** 40, reportLimits.observedCountMax - 1, Number.MAX_SAFE_INTEGER]) {
      const machine = following(revivedAt(damaged), told(12));
      expect(machine.observation.generation).to.be.within(13, 20);
      expect(machine.observation.state).to.equal("running");
      expect(fileOf(machine).generationCeiling).to.be.below(100);
    }
  });

  it("never counts beyond the highest number: the count begins anew", () => {
    const highest = following(revivedAt(5), told(reportLimits.observedCountMax));
    expect(highest.observation.generation).to.equal(1);
    const stopped = following(highest, ensured({ generation: 2, power: "stopped" }, {}));
    expect(stopped.observation.generation).to.equal(2);
  });
});
