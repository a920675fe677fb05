/**
 * I1: versions follow one another, counters never fall, an owner epoch stays on its host, an ended operation
 * stays ended.
 */
import { expect } from "chai";
import { oneWriter } from "../../../actors/promises/i01-one-writer.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { changeTurn, claim, createTurn, machine, next, operation } from "../../support/store-rows.ts";
import { history, judged, refused, rowOf } from "./worlds.ts";

const born = createTurn("i");
const row = rowOf(born);
const faults = (...commits: readonly Commit[]) => judged(oneWriter(), history(born, ...commits));

describe("promise I1, one writer", () => {
  it("is kept by versions that follow one another", () => {
    const second = next(row, { generation: 2, startCount: 2 });
    expect(faults(changeTurn(second), changeTurn(next(second)))).to.deep.equal([]);
  });

  it("is broken by a version that is written twice, or left out", () => {
    expect(faults(changeTurn(row))).to.deep.equal(["Instance i: version 1 came after 1."]);
    expect(faults(changeTurn(next(row, { version: 3 })))).to.have.length(1);
    expect(judged(oneWriter(), history(changeTurn(next(row))))).to.have.length(1);
  });

  it("is not broken by what the store refused", () => {
    expect(judged(oneWriter(), [...history(born), refused(changeTurn(row))])).to.deep.equal([]);
  });

  it("is broken by each count that falls", () => {
    const high = next(row, { generation: 5, ownerEpoch: 5, resetCount: 5, startCount: 5, hostId: null });
    for (const count of ["generation", "ownerEpoch", "resetCount", "startCount"]) {
      const found = faults(changeTurn(high), changeTurn(next(high, { [count]: 4 })));
      expect(found).to.deep.equal([`Instance i: ${count} fell from 5 to 4.`]);
    }
  });

  it("is broken by another shape of a machine that has run, and kept by one that was still to run", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const placed = next(row, { built: false, shape });
    const ran = next(placed, { built: true, shape: { ...shape, machineType: "pc-q35-8.0" } });
    expect(faults(changeTurn(placed), changeTurn(ran))).to.deep.equal([]);
    const found = faults(changeTurn(placed), changeTurn(ran), changeTurn(next(ran, { shape })));
    expect(found).to.deep.equal(["Instance i: its machine has another shape than at its first boot."]);
  });

  it("is broken by a host that starts a machine of another shape, and not by one of an epoch before", () => {
    const shape = { version: 1, machineType: "pc-q35-7.2", cpuModel: "qemu64-v1" };
    const placed = changeTurn(next(row, { ownerEpoch: 2, hostId: "h2", shape }));
    const started = (ownerEpoch: number, given: typeof shape | null) =>
      judged(oneWriter(), [
        ...history(born, placed),
        { kind: "guestStarted", atMs: 9, hostId: "h2", instanceId: "i", ownerEpoch, pid: 7, shape: given },
      ]);
    expect(started(2, { ...shape })).to.deep.equal([]);
    expect(started(1, null)).to.deep.equal([]);
    const broken = ["Instance i: h2 starts its machine with another shape than the instance has."];
    expect(started(2, null)).to.deep.equal(broken);
    expect(started(2, { ...shape, cpuModel: "EPYC-v3" })).to.deep.equal(broken);
  });

  it("is kept by room that waits on one host for the next epoch, and is given back for room on another", () => {
    const left = next(row, { hostId: null });
    const room = changeTurn(left, { claims: [claim("i", "h2", { ownerEpoch: 2 })] });
    const back = changeTurn(next(left), { claimsReleased: [{ instanceId: "i", ownerEpoch: 2 }] });
    const owner = next(next(left), { ownerEpoch: 2, hostId: "h3" });
    const taken = changeTurn(owner, { claims: [claim("i", "h3", { ownerEpoch: 2 })] });
    expect(faults(room, back, taken)).to.deep.equal([]);
    const moved = changeTurn(next(owner, { hostId: "h2" }));
    expect(faults(room, back, taken, moved)).to.have.length(1);
  });

  it("is broken by an epoch on two hosts, whichever record says so", () => {
    const elsewhere = machine("i", { hostId: "h2" });
    expect(faults(changeTurn(next(row), { machines: [elsewhere] }))).to.have.length(1);
    expect(faults(changeTurn(next(row, { hostId: "h2" })))).to.have.length(1);
    const moved = next(row, { ownerEpoch: 2, hostId: "h2" });
    expect(faults(changeTurn(moved, { claims: [claim("i", "h3", { ownerEpoch: 2 })] }))).to.have.length(1);
    expect(faults(changeTurn(moved, { claims: [claim("i", "h2", { ownerEpoch: 2 })] }))).to.deep.equal([]);
  });

  it("is broken by an observation that is not newer and not the same", () => {
    const second = next(row);
    const first = changeTurn(second, { machines: [machine("i", { generation: 3 })] });
    const again = (change: object) => changeTurn(next(second), { machines: [machine("i", change)] });
    expect(faults(first, again({ generation: 4, state: "stopped" }))).to.deep.equal([]);
    expect(faults(first, again({ generation: 3 }))).to.deep.equal([]);
    expect(faults(first, again({ generation: 3, state: "stopped" }))).to.have.length(1);
    expect(faults(first, again({ generation: 2 }))).to.have.length(1);
  });

  it("lets a machine that was gone count anew", () => {
    const second = next(row);
    const third = next(second);
    const gone = { machinesGone: [{ instanceId: "i", ownerEpoch: 1 }] };
    const commits = [
      changeTurn(second, { machines: [machine("i", { generation: 9 })] }),
      changeTurn(third, gone),
      changeTurn(next(third), { machines: [machine("i", { generation: 1 })] }),
    ];
    expect(faults(...commits)).to.deep.equal([]);
  });

  it("is broken by a version of a host that is decided on twice", () => {
    const decided = (hostId: string, version: number): Commit => ({ hostsExpected: [{ hostId, version }] });
    expect(faults(decided("h", 5), decided("g", 5), decided("h", 6), decided("h", 9))).to.deep.equal([]);
    expect(faults(decided("h", 5), decided("h", 5))).to.deep.equal([
      "Host h: version 5 was decided on after 5.",
    ]);
  });

  it("is broken by an operation that goes on after its end", () => {
    const done = operation("op-i", "i", { state: "done", endedAtMs: 2 });
    const second = next(row);
    const end = changeTurn(second, { operations: [done] });
    const rewritten = (change: object) => changeTurn(next(second), { operations: [{ ...done, ...change }] });
    expect(faults(end, rewritten({}))).to.deep.equal([]);
    expect(faults(end, rewritten({ state: "failed" }))).to.have.length(1);
    expect(faults(end, rewritten({ percent: 7 }))).to.have.length(1);
  });
});
