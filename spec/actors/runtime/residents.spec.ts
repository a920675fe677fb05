/** Residents in memory: loaded on demand, passivated when idle, never twice, never while work waits. */
import { expect } from "chai";
import { Residents } from "../../../actors/runtime/residents.ts";
import { type ActorWorld, actorWorld, failureOf } from "../../support/actor-world.ts";
import { silentLog } from "../../support/silent-log.ts";
import {
  asked,
  type Toy,
  type ToyEvent,
  ToyKind,
  type ToyMessage,
  ToyStore,
  toyOptions,
} from "../../support/toy-resident.ts";

const limits = { residentsMax: 3, sweepPeriodMs: 5_000, idleMs: 60_000 };

describe("residents", () => {
  let world: ActorWorld;
  let journal: string[];
  let store: ToyStore;
  let residents: Residents<Toy, ToyEvent, ToyMessage, string>;
  beforeEach(() => {
    world = actorWorld();
    journal = [];
    store = new ToyStore(journal);
    for (const id of ["t1", "t2", "t3", "t4"]) store.put(id, 1);
    residents = new Residents(world.system, {
      ...toyOptions(store, world.clock),
      ...{ log: silentLog, limits, kind: () => new ToyKind(store) },
    });
  });
  afterEach(async () => {
    residents.close();
    await world.end();
    expect(world.clock.pending, "timers left behind").to.equal(0);
  });
  const tell = async (id: string, message: ToyMessage = { kind: "act" }) => {
    await residents.tell(id, message);
    await world.clock.settle();
  };

  it("are loaded by their first message, and leave when they were idle for a while", async () => {
    await tell("t1");
    await tell("t1");
    expect([residents.size, residents.has("t1"), residents.has("t2")]).to.deep.equal([1, true, false]);
    await world.clock.advance(40_000);
    await tell("t1");
    await world.clock.advance(40_000);
    expect(residents.size).to.equal(1);
    await world.clock.advance(25_000);
    expect(residents.size).to.equal(0);
    await tell("t1");
    expect(journal.filter((one) => one === "load t1")).to.have.length(2);
  });

  it("stay while messages wait for them, however long that takes", async () => {
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    await tell("t1");
    await tell("t1");
    await world.clock.advance(10 * limits.idleMs);
    expect(residents.size).to.equal(1);
    gate.resolve();
    await world.clock.advance(2 * limits.sweepPeriodMs);
    expect([residents.size, journal.filter((one) => one.startsWith("tell"))]).to.deep.equal([
      0,
      ["tell t1 1", "tell t1 1"],
    ]);
  });

  it("have the one that has been idle longest leave when there are too many, but none with messages", async () => {
    for (const id of ["t1", "t2", "t3"]) await tell(id);
    await tell("t1");
    await tell("t4");
    expect(["t1", "t2", "t3", "t4"].filter((id) => residents.has(id))).to.deep.equal(["t1", "t3", "t4"]);
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    for (const kind of ["reload", "act", "act"] as const) await tell("t3", { kind });
    await tell("t1");
    await tell("t4");
    await tell("t2");
    expect(["t1", "t2", "t3", "t4"].filter((id) => residents.has(id))).to.deep.equal(["t2", "t3", "t4"]);
    gate.resolve();
    await world.clock.settle();
  });

  it("take a message for one that is leaving when it has left, and it is there once", async () => {
    const gate = Promise.withResolvers<void>();
    store.gate = gate.promise;
    await tell("t1");
    // Its turn is under way, and nothing waits: it may leave, when the turn has ended.
    await world.clock.advance(limits.idleMs + limits.sweepPeriodMs);
    expect(residents.has("t1")).to.equal(false);
    const told = residents.tell("t1", { kind: "act" });
    await world.clock.settle();
    expect(journal).to.deep.equal(["load t1"]);
    gate.resolve();
    await told;
    await world.clock.settle();
    expect(journal).to.deep.equal(["load t1", "tell t1 1", "load t1", "tell t1 1"]);
  });

  it("begin with the rows they were made of", async () => {
    residents.begin("t9", { version: 1, value: 5 }, { kind: "act" });
    await world.clock.settle();
    expect(journal).to.deep.equal(["tell t9 5"]);
  });

  it("are made anew by the next message when a supervisor has given one up", async () => {
    for (let crash = 0; crash < 7; crash += 1) await tell("t1", { kind: "crash" });
    await world.clock.advance(30_000);
    expect(world.supervised.at(-1)?.kind).to.equal("failed");
    expect(residents.has("t1")).to.equal(false);
    await tell("t1");
    expect(journal.at(-1)).to.equal("tell t1 1");
  });

  it("load nobody any more once they are closed, and a question then is refused", async () => {
    residents.close();
    await tell("t1");
    expect([residents.size, journal]).to.deep.equal([0, []]);
    const stopping = world.system.stop();
    const request = asked("r1");
    const question = residents.ask("t1", (reply) => ({ kind: "add", amount: 1, request, reply }), {
      deadlineMs: 1_000,
    });
    expect((await failureOf(question)).reason).to.equal("shuttingDown");
    await stopping;
  });
});
