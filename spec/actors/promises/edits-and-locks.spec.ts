/** The part of I4 about edits and locks: histories that its checker calls broken, by value. */
import { expect } from "chai";
import { answeredIsDurable } from "../../../actors/promises/i04-answered-is-durable.ts";
import { everyChangeIsAnEvent } from "../../../actors/promises/i10-every-change-is-an-event.ts";
import type { InstanceRecord } from "../../../actors/records/instance.ts";
import { createTurn, event, request } from "../../support/store-rows.ts";
import { committed, completed, history, invoked, judged, rowOf, step } from "./worlds.ts";

const born = createTurn("i");
const row = rowOf(born);
const lock = { by: "project", reason: null, atMs: 1 } as const;

/** An edit that is asked for, committed and answered. */
function edited(
  asked: { method: string; request?: Readonly<Record<string, unknown>>; project?: string },
  before: InstanceRecord,
  change: Partial<InstanceRecord>,
) {
  const { project = "demo" } = asked;
  const told = [event("i", "changed", { body: { changed: true } })];
  const commit = step(before, change, { request: request("r-1", { project }), events: told });
  const { name, metadata, description, lock: held } = rowOf(commit);
  const answer = { instance: { id: "i", generation: 1, name, metadata, description, locked: held !== null } };
  return [invoked(1, { id: "i", ...asked }), committed(commit), completed(1, { answer })];
}

const faults = (...facts: Parameters<typeof judged>[1]) =>
  judged(answeredIsDurable(), [committed(born), ...facts]);

const set = (wanted: Readonly<Record<string, unknown>>, project?: string) => ({
  ...{ method: "instance.set", request: wanted },
  ...(project === undefined ? {} : { project }),
});

describe("promise I4, edits and locks", () => {
  it("is kept by edits that change what they ask for, and by locks that are lifted first", () => {
    const metadata = { a: "1", b: null };
    expect(
      faults(...edited(set({ name: "n", metadata }), row, { name: "n", metadata: { a: "1" } })),
    ).to.deep.equal([]);
    const held = { ...row, lock };
    expect(
      judged(answeredIsDurable(), [
        committed({ ...born, instances: [{ expectedVersion: 0, row: held }] }),
        ...edited({ method: "instance.unlock" }, held, { lock: null }),
      ]),
    ).to.deep.equal([]);
  });

  it("is broken by pairs that another edit has set and this one has lost", () => {
    const before = { ...row, metadata: { other: "1" } };
    const found = judged(answeredIsDurable(), [
      committed({ ...born, instances: [{ expectedVersion: 0, row: before }] }),
      ...edited(set({ metadata: { a: "1" } }), before, { metadata: { a: "1" } }),
    ]);
    expect(found).to.deep.equal([
      'Instance i: its metadata is {"a":"1"} now, and instance.set r-1 asked for another.',
    ]);
  });

  it("is broken by a name that changes though nobody asked", () => {
    expect(faults(committed(step(row, { name: "odd" })))).to.deep.equal([
      'Instance i: its name is "odd" now, and nobody asked for it.',
    ]);
  });

  it("is broken by an edit that raises the generation", () => {
    expect(faults(...edited(set({ name: "n" }), row, { name: "n", generation: 2 }))).to.include(
      "Instance i: instance.set r-1 changed more than what is written.",
    );
  });

  it("is broken by an answer that does not show what was asked for", () => {
    const call = invoked(1, { ...set({ metadata: { a: "1" } }), id: "i" });
    const shown = { instance: { id: "i", generation: 1, metadata: {} } };
    const answered = completed(1, { answer: shown });
    expect(judged(answeredIsDurable(), [call, answered])).to.deep.equal([
      "instance.set r-1 was answered, and the answer does not show what it asked for.",
    ]);
    const locking = invoked(1, { method: "instance.lock", id: "i" });
    const open = completed(1, { answer: { instance: { id: "i", generation: 1, locked: false } } });
    expect(judged(answeredIsDurable(), [locking, open])).to.have.length(1);
  });

  it("is broken by a command of its project while it is locked, and not by one of the operators", () => {
    const held = (by: "project" | "operators") => ({ ...row, lock: { ...lock, by } });
    const faultsOn = (before: InstanceRecord, project: string, asked?: ReturnType<typeof invoked>) =>
      judged(answeredIsDurable(), [
        committed({ ...born, instances: [{ expectedVersion: 0, row: before }] }),
        ...(asked === undefined ? [] : [asked]),
        committed(step(before, {}, { request: request("r-1", { project }) })),
      ]);
    expect(faultsOn(held("project"), "demo")).to.deep.equal([
      "Instance i was locked by project, and request r-1 was carried out.",
    ]);
    expect(faultsOn(held("operators"), "admin")).to.deep.equal([]);
    const unlocking = invoked(1, { method: "instance.unlock", id: "i" });
    expect(faultsOn(held("operators"), "demo", unlocking)).to.include(
      "Instance i was locked by operators, and request r-1 was carried out.",
    );
  });
});

describe("promise I10, edits", () => {
  const told = (changed: boolean) => event("i", "changed", { body: { changed } });
  const faultsOf = (change: Partial<InstanceRecord>, events: readonly ReturnType<typeof told>[]) =>
    judged(everyChangeIsAnEvent(), history(born, step(row, change, { events })));

  it("is kept by one event that says whether something changed", () => {
    expect(faultsOf({ name: "n" }, [told(true)])).to.deep.equal([]);
    expect(faultsOf({}, [told(false)])).to.deep.equal([]);
    expect(faultsOf({}, [])).to.deep.equal([]);
  });

  it("is broken by none, by two, and by one that says otherwise", () => {
    for (const [change, events] of [
      [{ name: "n" }, []],
      [{ lock }, [told(true), told(true)]],
      [{ metadata: { a: "1" } }, [told(false)]],
      [{}, [told(true)]],
    ] as const)
      expect(faultsOf(change, [...events]), JSON.stringify(change)).to.have.length(1);
  });
});
