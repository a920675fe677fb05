/**
 * How actors end: nothing new is begun, a running turn may finish, children end first, and no user code can
 * prevent the end.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import type { ActorEnd, ActorRef, AskOptions } from "../../../actors/runtime/system.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld, failureOf } from "../../support/actor-world.ts";
import { type CounterMessage, counter } from "../../support/counter-actor.ts";

describe("stopping an actor", () => {
  let world: ActorWorld;
  const within = (ms: number): AskOptions => ({ deadlineMs: world.clock.monotonicMs() + ms });
  const never = new Promise<void>(() => undefined);

  beforeEach(() => {
    world = actorWorld();
  });
  afterEach(() => world.end());

  it("waits for the running turn, calls stopped with its state, then tells the watchers", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    const gate = Promise.withResolvers<void>();
    ref.tell({ kind: "add" });
    ref.tell({ kind: "wait", gate: gate.promise });
    await world.clock.settle();
    ref.onEnd((end) => journal.push(`end: ${end.how}`));
    const stopping = ref.stop().then(() => journal.push("stop resolved"));
    await world.clock.settle();
    expect(journal).to.deep.equal(["init 1"]);
    gate.resolve();
    await stopping;
    expect(journal).to.deep.equal(["init 1", "stopped at 1", "end: stopped", "stop resolved"]);
    expect(world.clock.pending).to.equal(0);
  });

  it("refuses every message from then on, and answers those that wait", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    const gate = Promise.withResolvers<void>();
    ref.tell({ kind: "wait", gate: gate.promise });
    await world.clock.settle();
    const waiting = failureOf(ref.ask((reply) => ({ kind: "get", reply }), within(1_000)));
    ref.tell({ kind: "slow", label: "never" });
    const stopping = ref.stop();
    expect(ref.tell({ kind: "add" })).to.equal(false);
    const late = await failureOf(ref.ask((reply) => ({ kind: "get", reply }), within(1_000)));
    expect(late).to.include({ code: "UNAVAILABLE", reason: "actorStopped" });
    expect(await waiting).to.include({ reason: "actorStopped" });
    gate.resolve();
    await stopping;
    expect(journal).to.deep.equal(["init 1", "stopped at 0"]);
    expect(await failureOf(ref.ask((reply) => ({ kind: "get", reply }), within(1_000)))).to.include({
      reason: "actorStopped",
    });
    expect(world.logged.at(-1)?.fields).to.include({ actor: "counter", dropped: 1 });
  });

  it("is done once, however often it is asked for", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    await world.clock.settle();
    await Promise.all([ref.stop(), ref.stop()]);
    await ref.stop();
    expect(journal.filter((line) => line.startsWith("stopped"))).to.have.length(1);
  });

  it("is done once, also when an abort listener stops it again", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    const act = (context: { signal: AbortSignal }): void =>
      context.signal.addEventListener("abort", () => void ref.stop());
    ref.tell({ kind: "act", act });
    await world.clock.settle();
    await ref.stop();
    expect(journal).to.deep.equal(["init 1", "stopped at 0"]);
  });

  it("lets init finish, and cleans up after it", async () => {
    const gate = Promise.withResolvers<void>();
    const { definition, journal } = counter({ init: () => gate.promise });
    const ref = world.system.spawn(definition);
    await world.clock.settle();
    const stopping = ref.stop();
    gate.resolve();
    await stopping;
    expect(journal).to.deep.equal(["init 1", "stopped at 0"]);
  });

  it("aborts the signal at once, so that a turn or an effect that listens ends early", async () => {
    const ref = world.system.spawn(counter().definition);
    ref.tell({
      kind: "act",
      act: ({ signal }) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
    });
    await world.clock.settle();
    await ref.stop();
    expect(world.clock.monotonicMs()).to.equal(0);
  });

  it("ends children first, and theirs before them", async () => {
    const journal: string[] = [];
    const watch = (ref: ActorRef<CounterMessage>): void => ref.onEnd((end) => journal.push(end.name));
    const leaf = counter({ name: "leaf" }).definition;
    const middle = counter({ name: "middle", init: (context) => watch(context.spawn(leaf)) }).definition;
    const top = counter({ name: "top", init: (context) => watch(context.spawn(middle)) }).definition;
    const ref = world.system.spawn(top);
    watch(ref);
    await world.clock.settle();
    await ref.stop();
    expect(journal).to.deep.equal(["leaf", "middle", "top"]);
  });

  it("frees the name when the actor has ended, and not before", async () => {
    const { definition } = counter();
    const ref = world.system.spawn(definition);
    const gate = Promise.withResolvers<void>();
    ref.tell({ kind: "wait", gate: gate.promise });
    await world.clock.settle();
    const stopping = ref.stop();
    expect(() => world.system.spawn(definition)).to.throw("exists already");
    gate.resolve();
    await stopping;
    const next = world.system.spawn(definition);
    expect(await next.ask<number>((reply) => ({ kind: "get", reply }), within(1_000))).to.equal(0);
    expect(ref.tell({ kind: "add" }), "the old reference must not reach the new actor").to.equal(false);
  });

  it("before its first turn leaves nothing to do and nothing to clean up", async () => {
    const { definition, journal } = counter();
    await world.system.spawn(definition).stop();
    await world.clock.settle();
    expect(journal).to.deep.equal([]);
    expect(world.system.busy).to.equal(0);
  });

  it("interrupts a back-off: no further incarnation, no clean-up of a state that was lost", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    ref.tell({ kind: "crash" });
    await world.clock.settle();
    await ref.stop();
    expect(world.clock.pending).to.equal(0);
    expect(journal).to.deep.equal(["init 1"]);
  });

  it("does not restart an actor whose last turn throws", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    const gate = Promise.withResolvers<void>();
    const asked = ref.ask<number>(
      (reply) => ({ kind: "act", act: () => gate.promise, reply }),
      within(1_000),
    );
    const failure = failureOf(asked);
    await world.clock.settle();
    const stopping = ref.stop();
    gate.reject(new Error("too late"));
    await stopping;
    expect(await failure).to.include({ reason: "internal" });
    expect(journal).to.deep.equal(["init 1"]);
    expect(world.supervised).to.deep.equal([]);
  });

  it("gives up a turn that never ends, says so, and ignores what it brings after all", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    const gate = Promise.withResolvers<void>();
    const ends: ActorEnd[] = [];
    ref.onEnd((end) => ends.push(end));
    const asked = ref.ask<number>(
      (reply) => ({ kind: "act", act: () => gate.promise, reply }),
      within(60_000),
    );
    const failure = failureOf(asked);
    await world.clock.settle();
    const stopping = ref.stop();
    await world.clock.advance(actorLimits.actorStopGraceMs - 1);
    expect(ends).to.deep.equal([]);
    await world.clock.advance(1);
    await stopping;
    expect(await failure).to.include({ code: "DEADLINE_EXCEEDED" });
    expect(ends.map(({ how }) => how)).to.deep.equal(["failed"]);
    expect(world.supervised.at(-1)).to.include({ kind: "failed", actor: "counter" });
    expect(world.system.busy).to.equal(0);
    gate.resolve();
    await world.clock.settle();
    expect(world.system.busy).to.equal(0);
    expect(journal).to.deep.equal(["init 1"]);
  });

  it("survives a clean-up that throws, and one that never ends", async () => {
    const throws = counter({ name: "throws", stopped: () => Promise.reject(new Error("dirty")) });
    const hangs = counter({ name: "hangs", stopped: () => never });
    const ends: ActorEnd[] = [];
    for (const { definition } of [throws, hangs])
      world.system.spawn(definition).onEnd((end) => ends.push(end));
    await world.clock.settle();
    const stopping = world.system.stop();
    await world.clock.advance(actorLimits.actorStopGraceMs);
    await stopping;
    expect(ends.map(({ name, how }) => `${name} ${how}`)).to.deep.equal(["hangs stopped", "throws stopped"]);
    expect(ends[0]?.cause).to.be.instanceOf(StatusError);
    expect(ends[1]?.cause).to.be.an("error").with.property("message", "dirty");
  });

  it("answers postponed questions when stopped has not, and lets stopped answer them", async () => {
    const ref = world.system.spawn(counter().definition);
    const asked = failureOf(ref.ask<number>((reply) => ({ kind: "postpone", reply }), within(60_000)));
    await world.clock.settle();
    await ref.stop();
    expect(await asked).to.include({ code: "DEADLINE_EXCEEDED", reason: "timeout" });
  });

  it("tells a late watcher at once, and is not disturbed by one that throws", async () => {
    const ref = world.system.spawn(counter().definition);
    ref.onEnd(() => {
      throw new Error("a watcher's own fault");
    });
    await ref.stop();
    const ends: ActorEnd[] = [];
    ref.onEnd((end) => ends.push(end));
    expect(ends).to.deep.equal([{ name: "counter", how: "stopped" }]);
  });

  it("may be begun by its own turn, which is not waited for by itself", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    ref.tell({ kind: "act", act: ({ self }) => void self.stop() });
    await world.clock.settle();
    await ref.stop();
    expect(journal).to.deep.equal(["init 1", "stopped at 0"]);
  });

  it("keeps nothing of an actor that has ended, neither here nor in nact", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage: () => void = runInNewContext("gc");
    const heapAfterLives = async (lives: number): Promise<number> => {
      for (let life = 0; life < lives; life += 1) {
        const ref = world.system.spawn({
          name: "short",
          init: async () => new Array(100),
          receive: async () => [],
        });
        await Promise.resolve();
        await ref.stop();
      }
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfterLives(500);
    const lives = 5_000;
    expect(((await heapAfterLives(lives)) - before) / lives, "bytes kept of each").to.be.lessThan(100);
  });

  describe("with its whole system", () => {
    it("goes from the youngest to the oldest, and starts nothing any more", async () => {
      const ended: string[] = [];
      for (const name of ["a", "b", "c"]) {
        world.system.spawn(counter({ name }).definition).onEnd((end) => ended.push(end.name));
      }
      await world.system.stop();
      expect(ended).to.deep.equal(["c", "b", "a"]);
      const spawn = (): unknown => world.system.spawn(counter({ name: "d" }).definition);
      expect(spawn).to.throw(StatusError).with.property("reason", "shuttingDown");
      await world.system.stop();
    });

    it("takes little longer than one grace, however many actors hang", async () => {
      for (let index = 0; index < 50; index += 1) {
        world.system.spawn(counter({ name: `hung ${index}` }).definition).tell({ kind: "wait", gate: never });
      }
      await world.clock.settle();
      let stopped = false;
      const stopping = world.system.stop().then(() => {
        stopped = true;
      });
      const tookMs = await world.clock.runUntil(() => stopped);
      await stopping;
      expect(tookMs).to.be.at.most(2 * actorLimits.actorStopGraceMs);
    });
  });
});
