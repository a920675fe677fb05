/** A resident's turns: load, decide, commit, answer, act, whatever the store and other controllers do. */
import { expect } from "chai";
import { residentDefinition } from "../../../actors/runtime/resident.ts";
import type { ActorRef } from "../../../actors/runtime/system.ts";
import { lifeLimits } from "../../../protocol/limits/life.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld, failureOf } from "../../support/actor-world.ts";
import {
  asked,
  type Toy,
  ToyKind,
  type ToyMessage,
  ToyStore,
  toyOptions,
} from "../../support/toy-resident.ts";

describe("a resident", () => {
  let world: ActorWorld;
  let journal: string[];
  let store: ToyStore;
  let ref: ActorRef<ToyMessage>;
  const begin = (seed?: Toy) => {
    ref = world.system.spawn(
      residentDefinition(new ToyKind(store), "t1", toyOptions(store, world.clock), seed),
    );
  };
  const deadlineMs = 1_000_000;
  /** The answer, or the reason of the refusal. */
  const ask = async (message: (reply: never) => ToyMessage) => {
    const answer = ref
      .ask<number>(message as never, { deadlineMs })
      .catch((thrown: unknown) => (thrown as StatusError).reason);
    await world.clock.settle();
    return answer;
  };
  const add = (amount: number, request = asked(`r${amount}`)) =>
    ask((reply) => ({ kind: "add", amount, request, reply }));
  const tell = async (message: ToyMessage) => {
    ref.tell(message);
    await world.clock.settle();
  };
  const taken = () => journal.splice(0);

  beforeEach(() => {
    world = actorWorld();
    journal = [];
    store = new ToyStore(journal);
    store.put("t1", 1);
    begin();
  });
  afterEach(() => world.end());

  it("loads, commits, answers, and only then acts", async () => {
    const answered = ref
      .ask<number>((reply) => ({ kind: "add", amount: 1, request: asked("r1"), reply }), { deadlineMs })
      .then((value) => journal.push(`answer ${value}`));
    await world.clock.settle();
    await answered;
    // The answer's own promise is resolved before the effects are started, and heard a moment later.
    expect(taken()).to.deep.equal(["load t1", "commit", "tell 2", "answer 2"]);
  });

  it("answers nothing and acts on nothing before the commit is done", async () => {
    const gate = Promise.withResolvers<void>();
    await tell({ kind: "act" });
    store.gate = gate.promise;
    let answered = false;
    const answer = ref
      .ask<number>((reply) => ({ kind: "add", amount: 1, request: asked("r1"), reply }), { deadlineMs })
      .finally(() => {
        answered = true;
      });
    await world.clock.settle();
    expect([answered, taken()]).to.deep.equal([false, ["load t1", "tell t1 1", "commit"]]);
    gate.resolve();
    expect(await answer).to.equal(2);
  });

  it("reads its rows once, and not at all when it was made with them", async () => {
    await tell({ kind: "act" });
    await tell({ kind: "act" });
    expect(taken()).to.deep.equal(["load t1", "tell t1 1", "tell t1 1"]);
    await ref.stop();
    begin({ version: 1, value: 7 });
    await tell({ kind: "act" });
    expect(taken()).to.deep.equal(["tell t1 7"]);
  });

  it("loads and decides again when others were faster, and says so when they always are", async () => {
    store.conflicts = lifeLimits.commitAttemptsMax - 1;
    expect(await add(1)).to.equal(1 + store.rows.size + lifeLimits.commitAttemptsMax - 1);
    expect(taken().filter((one) => one === "commit")).to.have.length(lifeLimits.commitAttemptsMax);
    store.conflicts = 1_000;
    expect(await add(2)).to.equal("generationConflict");
    await tell({ kind: "seen", value: 99 });
    expect(store.conflicts).to.equal(1_000 - 2 * lifeLimits.commitAttemptsMax);
  });

  it("refuses only what the stored rows refuse", async () => {
    store.put("t1", 100);
    expect(await add(1)).to.equal("quotaExceeded");
    taken();
    store.put("t1", 10);
    expect(await add(1, asked("r2"))).to.equal(11);
    expect(taken()).to.deep.equal(["load t1", "commit", "tell 11"]);
  });

  it("answers a repetition as the first time, also when it would be refused now", async () => {
    expect(await add(60, asked("r1"))).to.equal(61);
    expect(await add(60, asked("r1"))).to.equal(61);
    expect(store.rows.get("t1")?.value).to.equal(61);
    expect(await add(60, asked("r2"))).to.equal("quotaExceeded");
    expect(await add(30, asked("r1", "demo", "other"))).to.equal("requestIdReused");
    expect(await add(60, asked("r1", "demo", "other"))).to.equal("requestIdReused");
  });

  it("does not exist for strangers, nor without rows", async () => {
    expect(await add(1, asked("r1", "stranger"))).to.equal("instanceNotFound");
    store.rows.clear();
    await tell({ kind: "reload" });
    expect(await add(1)).to.equal("instanceNotFound");
  });

  it("drops what it remembers when the store fails, and tells who asked", async () => {
    await tell({ kind: "act" });
    store.fault = new StatusError("storeUnavailable", "No database.");
    expect(await add(1)).to.equal("storeUnavailable");
    store.fault = undefined;
    store.put("t1", 40);
    taken();
    await tell({ kind: "act" });
    expect(taken()).to.deep.equal(["load t1", "tell t1 40"]);
    expect(world.supervised).to.deep.equal([]);
  });

  it("crashes on what only a bug can cause, and begins anew from the store", async () => {
    store.fault = new Error("a bug of the store");
    const failure = failureOf(
      ref.ask<number>((reply) => ({ kind: "add", amount: 1, request: asked("r1"), reply }), { deadlineMs }),
    );
    await world.clock.settle();
    expect((await failure).code).to.equal("INTERNAL");
    store.fault = undefined;
    await world.clock.advance(1_000);
    await tell({ kind: "crash" });
    await world.clock.advance(1_000);
    expect(await add(1)).to.equal(2);
    expect(world.supervised.map(({ kind }) => kind)).to.deep.equal(["restarted", "restarted"]);
  });

  it("takes news, reads anew what memory does not know, and answers by the rows after it", async () => {
    expect(await ask((reply) => ({ kind: "seen", value: 5, reply }))).to.equal(5);
    expect(taken()).to.deep.equal(["load t1", "commit", "tell 5"]);
    store.put("t1", 8);
    expect(await ask((reply) => ({ kind: "seen", value: 8, newest: true, reply }))).to.equal(8);
    expect(taken()).to.deep.equal(["load t1"]);
    await tell({ kind: "reload" });
    await tell({ kind: "seen", value: 9, newest: true });
    expect(taken(), "read once in a turn").to.deep.equal(["load t1", "commit", "tell 9"]);
  });

  it("drops news whose commit its kind has dealt with", async () => {
    expect(await ask((reply) => ({ kind: "seen", value: 101, reply }))).to.equal(1);
    expect(taken()).to.deep.equal(["load t1", "commit"]);
  });

  it("is nudged less and less often, and reads its rows before it acts on a nudge", async () => {
    await tell({ kind: "nudge" });
    expect(taken(), "neither loaded nor due").to.deep.equal([]);
    const actedAtMs: number[] = [];
    for (let round = 0; round < 150; round += 1) {
      await world.clock.advance(100);
      await tell({ kind: "nudge" });
      if (taken().includes("again")) actedAtMs.push(world.clock.monotonicMs());
    }
    expect(actedAtMs).to.deep.equal([1_000, 3_000, 7_000, 11_000, 15_000]);
    await world.clock.advance(10_000);
    await tell({ kind: "nudge" });
    expect(taken()).to.deep.equal(["load t1", "again"]);
    await tell({ kind: "seen", value: 3 });
    taken();
    await world.clock.advance(1_000);
    await tell({ kind: "nudge" });
    expect(taken(), "after a change it may be nudged soon again").to.deep.equal(["load t1", "again"]);
  });

  it("does at once what is urgent, and reads rows that are doubtful", async () => {
    await tell({ kind: "act" });
    taken();
    await tell({ kind: "nudge" });
    expect(taken()).to.deep.equal([]);
    await tell({ kind: "nudge", doubtful: true });
    expect(taken()).to.deep.equal(["load t1"]);
    await tell({ kind: "nudge", urgent: true });
    expect(taken()).to.deep.equal(["load t1", "again"]);
  });
});
