/** A machine decides in every situation about every event: nothing is left out, nothing throws. */
import { expect } from "chai";
import { decide } from "../../../../actors/node/machine/decide.ts";
import type { MachineEvent } from "../../../../actors/node/machine/messages.ts";
import type { MachineState } from "../../../../actors/node/machine/state.ts";
import { aborted, at, booted, done, ensured, failed, guest, situations } from "./worlds.ts";

describe("machine: every event in every situation", () => {
  const events = (state: MachineState): readonly MachineEvent[] => [
    ...(["running", "paused", "stopped", "deleted"] as const).flatMap((power) =>
      [1, 2, 99].map((generation) => ensured({ generation, power, resetCount: generation })),
    ),
    ensured({ generation: 1 }, { ownerEpoch: 0 }),
    ensured({ generation: 1 }, { ownerEpoch: 9 }),
    ...(["paused", "resumed", "shutdown", "reset", "panicked", "lost"] as const).map((event) => guest(event)),
    ...[booted, done, aborted, failed("diskFull"), failed("internal")].map((outcome) => ({
      kind: "settled" as const,
      workId: state.kind === "known" ? (state.work?.id ?? 0) : 0,
      outcome,
      at: at(),
    })),
    { kind: "settled", workId: 12_345, outcome: booted, at: at() },
    { kind: "prepared", workId: 0, at: at() },
    { kind: "timer", timerId: state.kind === "known" ? (state.wait?.id ?? 0) : 0, at: at() },
    { kind: "begin", at: at() },
    { kind: "hostStopping", graceMs: 10_000, at: at() },
  ];

  for (const [name, state] of Object.entries(situations())) {
    it(`${name}: decides without throwing, begins no second work, and never lowers a generation`, () => {
      for (const event of events(state)) {
        const { next, effects, answer } = decide(state, event);
        const working = state.kind === "known" && state.work !== undefined;
        const begun = effects.filter(({ kind }) => kind === "startWork").length;
        expect(begun, event.kind).to.be.at.most(working && event.kind !== "settled" ? 0 : 1);
        expect(answer !== undefined, event.kind).to.equal(event.kind === "ensure");
        if (state.kind !== "known" || next.kind !== "known" || next.spec.ownerEpoch !== state.spec.ownerEpoch)
          continue;
        expect(next.observation.generation).to.be.at.least(state.observation.generation);
        if (next.observation !== state.observation) {
          expect(next.observation.generation).to.be.greaterThan(state.observation.generation);
        }
        expect(next.generationCeiling).to.be.at.least(next.observation.generation);
      }
    });
  }
});
