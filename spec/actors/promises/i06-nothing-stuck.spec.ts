/**
 * I6: a passing state without an owner is found when it is committed, and one that lasts is found in the end.
 */
import { expect } from "chai";
import { nothingStuck } from "../../../actors/promises/i06-nothing-stuck.ts";
import { instanceStates } from "../../../protocol/states.ts";
import {
  changeTurn,
  createTurn,
  hostOperation,
  instance,
  next,
  operation,
} from "../../support/store-rows.ts";
import { completed, facts, history, invoked, judged, quiet, rowOf } from "./worlds.ts";

const born = createTurn("i");
const row = rowOf(born);
const done = operation("op-i", "i", { state: "done", endedAtMs: 2 });

describe("promise I6, nothing stuck", () => {
  it("is kept by an operation with a deadline, and by the reconciler", () => {
    const unsettled = instance("j", { state: "starting", settled: false });
    expect(judged(nothingStuck(), history(born, changeTurn(unsettled)))).to.deep.equal([]);
  });

  it("is broken by a passing state that counts as settled, with nothing under way", () => {
    const left = changeTurn(next(row, { operationId: null, settled: true }), { operations: [done] });
    expect(judged(nothingStuck(), history(born, left))).to.deep.equal([
      "Instance i is building, and nobody sees to it.",
    ]);
  });

  it("is broken by a settled instance whose operation has not ended", () => {
    const left = changeTurn(next(row, { state: "running", settled: true }));
    expect(judged(nothingStuck(), history(born, left))).to.have.length(1);
  });

  it("is broken by an instance that is occupied by an operation that has ended, or never began", () => {
    expect(
      judged(nothingStuck(), history(born, changeTurn(next(row), { operations: [done] }))),
    ).to.have.length(1);
    expect(judged(nothingStuck(), history(changeTurn(row)))).to.have.length(1);
  });

  it("is broken by an operation without a deadline", () => {
    const endless = operation("op-i", "i", { deadlineAtMs: Number.POSITIVE_INFINITY });
    expect(judged(nothingStuck(), history({ ...born, operations: [endless] }))).to.have.length(1);
  });

  it("lets only states stay that do not pass", () => {
    const staying = instanceStates.filter(
      (state) => judged(nothingStuck(), [quiet({ instances: [facts("i", { state })] })]).length === 0,
    );
    expect(staying).to.deep.equal(["running", "paused", "stopped", "failed", "deleted"]);
  });

  it("is broken by an operation that runs when all is quiet", () => {
    expect(judged(nothingStuck(), [quiet({ operations: [done] })])).to.deep.equal([]);
    expect(judged(nothingStuck(), [quiet({ operations: [operation("o", "i")] })])).to.have.length(1);
  });

  it("is broken by a drain that goes on when its host is enabled or removed, or its draining is over", () => {
    const begun = { operations: [hostOperation("o", "h")] };
    const off = { hostId: "h", enabled: false, reason: null };
    const ends = [
      { hostsEnabled: [{ ...off, enabled: true }] },
      { hostsEnabled: [{ ...off, draining: null }] },
      { hostsRemoved: [{ hostId: "h", parked: false }] },
    ];
    for (const end of ends) {
      expect(judged(nothingStuck(), history(begun, end))).to.have.length(1);
      const ended = hostOperation("o", "h", { state: "cancelled", endedAtMs: 2 });
      expect(judged(nothingStuck(), history(begun, { ...end, operations: [ended] }))).to.deep.equal([]);
    }
    const others = [{ hostsEnabled: [off] }, { hostsEnabled: [{ ...off, hostId: "g", enabled: true }] }];
    expect(judged(nothingStuck(), history(begun, ...others))).to.deep.equal([]);
  });

  it("is broken by a call that never ends", () => {
    const ended = [invoked(1), completed(1, { outcome: "unknown" }), quiet()];
    expect(judged(nothingStuck(), ended)).to.deep.equal([]);
    expect(judged(nothingStuck(), [invoked(1), quiet()])).to.deep.equal([
      "Call 1 of client-1 (instance.start) was never answered.",
    ]);
  });
});
