/** I10: a change without its event, an event without its change, and every gap is found. */
import { expect } from "chai";
import type { Delivered } from "../../../actors/promises/facts.ts";
import { everyChangeIsAnEvent } from "../../../actors/promises/i10-every-change-is-an-event.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { claim, createTurn, event, machine, operation } from "../../support/store-rows.ts";
import { committed, history, judged, quiet, rowOf, seen, step, told } from "./worlds.ts";

const born = createTurn("i");
const row = rowOf(born);
const faults = (...commits: readonly Commit[]) => judged(everyChangeIsAnEvent(), history(born, ...commits));
const stateChanged = (from: string, to: string) => event("i", "stateChanged", { body: { from, to } });

describe("promise I10, every change is an event", () => {
  it("is kept by turns that tell all that they do", () => {
    const started = step(row, { state: "running" });
    const again = step(rowOf(started), { generation: 2 }, { events: [event("i", "accepted")] });
    expect(faults(started, again)).to.deep.equal([]);
  });

  it("is broken by a change of state that is not told, told twice, or told wrongly", () => {
    const silent = step(row, { state: "running" });
    const right = stateChanged("building", "running");
    expect(faults({ ...silent, events: [] })).to.have.length(1);
    expect(faults({ ...silent, events: [right, right] })).to.have.length(1);
    expect(faults({ ...silent, events: [stateChanged("starting", "running")] })).to.have.length(1);
    expect(faults({ ...silent, events: [stateChanged("building", "stopped")] })).to.have.length(1);
    expect(faults(step(row, {}, { events: [right] }))).to.have.length(1);
  });

  it("is broken by a guest that ended by itself and whose owner does not read why", () => {
    const machines = [machine("i", { reason: "memoryExceeded", state: "starting" })];
    const fallen = step(row, { state: "starting" }, { machines });
    const body = { from: row.state, to: "starting", reason: "memoryExceeded" };
    expect(faults({ ...fallen, events: [event("i", "stateChanged", { body })] })).to.deep.equal([]);
    expect(faults(fallen)).to.deep.equal([
      "Instance i became starting by memoryExceeded, and its owner is not told.",
    ]);
  });

  it("is broken by a birth or a generation that nobody heard of", () => {
    expect(judged(everyChangeIsAnEvent(), history({ ...born, events: [] }))).to.have.length(1);
    expect(faults(step(row, { generation: 2 }))).to.have.length(1);
  });

  it("is broken by a new host that nobody heard of", () => {
    const moved = { ownerEpoch: 2, hostId: "h2" };
    const claims = [claim("i", "h2", { ownerEpoch: 2 })];
    expect(faults(step(row, moved, { claims, events: [event("i", "placed")] }))).to.deep.equal([]);
    expect(faults(step(row, moved, { claims }))).to.have.length(1);
    expect(faults(step(row, { hostId: null }))).to.deep.equal([]);
  });

  it("is broken by the end of an operation that is not told", () => {
    const done = operation("op-i", "i", { state: "done", endedAtMs: 2 });
    const end = event("i", "operationEnded", { operationId: "op-i", body: { state: "done" } });
    expect(faults(step(row, {}, { operations: [done], events: [end] }))).to.deep.equal([]);
    expect(faults(step(row, {}, { operations: [done] }))).to.have.length(1);
    const other = { ...end, operationId: "op-j" };
    expect(faults(step(row, {}, { operations: [done], events: [other] }))).to.have.length(1);
    const wrong = { ...end, body: { state: "failed" } };
    expect(faults(step(row, {}, { operations: [done], events: [wrong] }))).to.have.length(1);
  });

  it("is kept by an operation that was born with its end: nothing was under way", () => {
    const idle = operation("op-2", "i", { state: "done", endedAtMs: 2 });
    expect(faults(step(row, {}, { operations: [idle] }))).to.deep.equal([]);
  });

  it("is broken by numbers with a gap, or twice", () => {
    const events = [event("x", "registered", { noun: "host" })];
    const numbered = (lastSequence: number) =>
      judged(everyChangeIsAnEvent(), [...history(born), committed({ events }, { lastSequence })]);
    expect(numbered(3)).to.deep.equal([]);
    expect(numbered(2)).to.have.length(1);
    expect(numbered(4)).to.have.length(1);
  });

  it("is broken by a watcher that sees a number twice, or an older one", () => {
    expect(judged(everyChangeIsAnEvent(), [seen(4), seen(5), seen(6)])).to.deep.equal([]);
    expect(judged(everyChangeIsAnEvent(), [seen(4), seen(4)])).to.have.length(1);
    expect(judged(everyChangeIsAnEvent(), [seen(5), seen(4)])).to.have.length(1);
    expect(judged(everyChangeIsAnEvent(), [seen(5), seen(4, { watcher: "v" })])).to.deep.equal([]);
  });

  it("is broken by an event that a sink gets before another in front of it, and not by one that comes twice", () => {
    const brought = (...sequences: number[]): Delivered => ({
      ...{ kind: "delivered", atMs: 1, sink: "audit", sequences },
    });
    expect(judged(everyChangeIsAnEvent(), [brought(1, 2), brought(1, 2, 3), brought(2)])).to.deep.equal([]);
    expect(judged(everyChangeIsAnEvent(), [brought(1), brought(3)])).to.deep.equal([
      "The sink audit got event 3 before those from 2 to 2.",
    ]);
    expect(judged(everyChangeIsAnEvent(), [brought(2)])).to.have.length(1);
  });

  it("is broken by an event that a sink has not got in the end, were it the only one", () => {
    const rest = { ...quiet(), events: [told(1), told(2)], sinks: ["audit"] };
    const missing = (facts: readonly Delivered[]) =>
      judged(everyChangeIsAnEvent(), [...facts, rest]).filter((words) => words.startsWith("The sink"));
    expect(missing([{ kind: "delivered", atMs: 1, sink: "audit", sequences: [1, 2] }])).to.deep.equal([]);
    expect(missing([{ kind: "delivered", atMs: 1, sink: "audit", sequences: [1] }])).to.deep.equal([
      "The sink audit has events up to 1, and 2 were committed.",
    ]);
    expect(missing([])).to.have.length(1);
  });

  it("is broken by a gap that an operator's watcher sees; a tenant's sees only its own", () => {
    expect(judged(everyChangeIsAnEvent(), [seen(4), seen(6)])).to.deep.equal([
      "Watcher w missed the events from 5 to 5.",
    ]);
    const tenant = { project: "demo" };
    expect(judged(everyChangeIsAnEvent(), [seen(4, tenant), seen(6, tenant)])).to.deep.equal([]);
  });
});
