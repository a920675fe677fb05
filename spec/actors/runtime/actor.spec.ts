/**
 * What every actor of the system can rely on: turns, questions, mailboxes, crashes. Endings are in
 * stop.spec.ts. Time is simulated: a test says how much passes, and nothing here waits for a real clock.
 */
import { expect } from "chai";
import type { AskOptions } from "../../../actors/runtime/system.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld, failureOf } from "../../support/actor-world.ts";
import { type CounterMessage, counter } from "../../support/counter-actor.ts";

describe("an actor", () => {
  let world: ActorWorld;
  const within = (ms: number): AskOptions => ({ deadlineMs: world.clock.monotonicMs() + ms });

  beforeEach(() => {
    world = actorWorld();
  });
  afterEach(() => world.end());

  describe("takes turns", () => {
    it("one at a time, in the order of the messages", async () => {
      const { definition, journal } = counter();
      const ref = world.system.spawn(definition);
      for (let index = 0; index < 100; index += 1) ref.tell({ kind: "slow", label: `${index}` });
      await world.clock.settle();
      const expected = Array.from({ length: 100 }, (_, index) => [`begin ${index}`, `end ${index}`]).flat();
      expect(journal).to.deep.equal(["init 1", ...expected]);
    });

    it("with the state that the turn before returned", async () => {
      const ref = world.system.spawn(counter().definition);
      for (let index = 0; index < 40; index += 1) ref.tell({ kind: "add" });
      expect(await ref.ask<number>((reply) => ({ kind: "get", reply }), within(1_000))).to.equal(40);
    });

    it("in pieces, so that one with a long queue does not keep the others waiting", async () => {
      const busy = counter({ name: "busy" });
      const other = counter({ name: "other", journal: busy.journal });
      const [first, second] = [world.system.spawn(busy.definition), world.system.spawn(other.definition)];
      await world.clock.settle();
      for (let index = 0; index < 500; index += 1) first.tell({ kind: "slow", label: "busy" });
      second.tell({ kind: "slow", label: "other" });
      await world.clock.settle();
      expect(busy.journal.indexOf("begin other")).to.be.lessThan(busy.journal.lastIndexOf("begin busy"));
    });

    it("and the system is busy exactly as long as turns run or wait", async () => {
      const ref = world.system.spawn(counter().definition);
      expect(world.system.busy).to.equal(1);
      await world.clock.settle();
      expect(world.system.busy).to.equal(0);
      const gate = Promise.withResolvers<void>();
      ref.tell({ kind: "wait", gate: gate.promise });
      await world.clock.settle();
      expect(world.system.busy).to.equal(1);
      gate.resolve();
      await world.clock.settle();
      expect(world.system.busy).to.equal(0);
    });
  });

  describe("ends every question", () => {
    const get = (ref: ReturnType<typeof spawnCounter>, options: AskOptions): Promise<number> =>
      ref.ask<number>((reply) => ({ kind: "get", reply }), options);
    const spawnCounter = () => world.system.spawn(counter().definition);

    it("with its answer, of which only the first counts", async () => {
      const ref = spawnCounter();
      const answer = ref.ask<number>((reply) => ({ kind: "answerTwice", reply }), within(1_000));
      expect(await answer).to.equal(1);
    });

    it("with the answer that a later turn gives", async () => {
      const ref = spawnCounter();
      const answer = ref.ask<number>((reply) => ({ kind: "postpone", reply }), within(1_000));
      ref.tell({ kind: "add" });
      ref.tell({ kind: "answerPostponed" });
      expect(await answer).to.equal(1);
    });

    it("with DEADLINE_EXCEEDED when nobody answers in time, and not before", async () => {
      const ref = spawnCounter();
      const failure = failureOf(ref.ask<number>((reply) => ({ kind: "postpone", reply }), within(1_000)));
      let ended = false;
      failure.then(() => {
        ended = true;
      });
      await world.clock.advance(999);
      expect(ended).to.equal(false);
      await world.clock.advance(1);
      expect(await failure).to.include({ code: "DEADLINE_EXCEEDED", reason: "timeout" });
    });

    it("at once when the deadline has passed already, and without a turn", async () => {
      const { definition, journal } = counter();
      const ref = world.system.spawn(definition);
      const failure = failureOf(ref.ask((reply) => ({ kind: "get", reply }), within(0)));
      expect(await failure).to.include({ reason: "timeout" });
      expect(
        await failureOf(ref.ask((reply) => ({ kind: "get", reply }), { deadlineMs: Number.NaN })),
      ).to.include({
        reason: "timeout",
      });
      await world.clock.settle();
      expect(journal).to.deep.equal(["init 1"]);
    });

    it("and never begins the turn of a question that ended while it waited", async () => {
      const { definition, journal } = counter();
      const ref = world.system.spawn(definition);
      const gate = Promise.withResolvers<void>();
      ref.tell({ kind: "wait", gate: gate.promise });
      await world.clock.settle();
      const failure = failureOf(get(ref, within(100)));
      expect(ref.waiting).to.equal(1);
      await world.clock.advance(100);
      expect(ref.waiting).to.equal(0);
      gate.resolve();
      expect(await failure).to.include({ reason: "timeout" });
      await world.clock.settle();
      expect(journal).to.not.include("get");
    });

    it("with ABORTED when the asker withdraws it", async () => {
      const ref = spawnCounter();
      const controller = new AbortController();
      const options = { ...within(1_000), signal: controller.signal };
      const failure = failureOf(ref.ask<number>((reply) => ({ kind: "postpone", reply }), options));
      await world.clock.settle();
      controller.abort(new Error("the client has gone"));
      expect(await failure).to.include({ code: "ABORTED", reason: "cancelled" });
      expect(await failureOf(get(ref, options))).to.include({ reason: "cancelled" });
    });

    it("and tells the turn that nobody waits any more", async () => {
      const ref = spawnCounter();
      const seen: boolean[] = [];
      const controller = new AbortController();
      const asked = ref.ask<number>(
        (reply) => ({ kind: "postpone", reply, look: () => seen.push(reply.done) }),
        { ...within(1_000), signal: controller.signal },
      );
      const failure = failureOf(asked);
      await world.clock.settle();
      ref.tell({ kind: "look" });
      await world.clock.settle();
      controller.abort();
      ref.tell({ kind: "look" });
      await failure;
      await world.clock.settle();
      expect(seen).to.deep.equal([false, true]);
    });

    it("with a status that the turn chose", async () => {
      const ref = spawnCounter();
      const error = new StatusError("instanceNotFound", "There is no instance x.");
      const asked = ref.ask((reply) => ({ kind: "refuse", reply, error }), within(1_000));
      expect(await failureOf(asked)).to.equal(error);
    });

    it("with INTERNAL when its wording throws", async () => {
      const ref = spawnCounter();
      const asked = ref.ask((): CounterMessage => {
        throw new Error("no words");
      }, within(1_000));
      expect(await failureOf(asked)).to.include({ reason: "internal" });
      expect(ref.waiting).to.equal(0);
    });

    it("and leaves no timer behind", async () => {
      const ref = spawnCounter();
      await Promise.all(Array.from({ length: 50 }, (_, index) => get(ref, within(1_000 + (index % 7)))));
      expect(world.clock.pending).to.equal(0);
    });
  });

  describe("has a bounded mailbox", () => {
    it("that refuses what is too much, and takes more when there is room again", async () => {
      const ref = world.system.spawn({ ...counter().definition, mailboxLengthMax: 3 });
      const gate = Promise.withResolvers<void>();
      ref.tell({ kind: "wait", gate: gate.promise });
      await world.clock.settle();
      const taken = Array.from({ length: 5 }, () => ref.tell({ kind: "add" }));
      expect(taken).to.deep.equal([true, true, true, false, false]);
      const refused = await failureOf(ref.ask((reply) => ({ kind: "get", reply }), within(1_000)));
      expect(refused).to.include({ code: "RESOURCE_EXHAUSTED", reason: "mailboxFull" });
      expect(refused.retryAfterMs).to.be.greaterThan(0);
      gate.resolve();
      expect(await failureOf(ref.ask((reply) => ({ kind: "get", reply }), within(0)))).to.include({
        reason: "mailboxFull",
      });
      await world.clock.settle();
      expect(await ref.ask<number>((reply) => ({ kind: "get", reply }), within(1_000))).to.equal(3);
    });

    it("that counts postponed questions as well", async () => {
      const ref = world.system.spawn({ ...counter().definition, mailboxLengthMax: 2 });
      const postponed: Promise<number>[] = [];
      for (let index = 0; index < 2; index += 1) {
        postponed.push(ref.ask<number>((reply) => ({ kind: "postpone", reply }), within(1_000)));
        await world.clock.settle();
      }
      const third = ref.ask((reply) => ({ kind: "postpone", reply }), within(1_000));
      expect(await failureOf(third)).to.include({ reason: "mailboxFull" });
      expect(ref.tell({ kind: "answerPostponed" })).to.equal(true);
      expect(await Promise.all(postponed)).to.deep.equal([0, 0]);
    });
  });
});
