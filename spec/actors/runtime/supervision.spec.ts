/**
 * What happens when a turn throws: a new incarnation from `init` after a back-off, the others untouched, the
 * parent and the listeners told, and an end when it happens too often.
 */
import { expect } from "chai";
import fc from "fast-check";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import { judgeCrash } from "../../../actors/runtime/supervision.ts";
import type { ActorEnd, ActorRef, AskOptions } from "../../../actors/runtime/system.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { type ActorWorld, actorWorld, failureOf } from "../../support/actor-world.ts";
import { type CounterMessage, type CounterOptions, counter } from "../../support/counter-actor.ts";

describe("supervision", () => {
  let world: ActorWorld;
  const within = (ms: number): AskOptions => ({ deadlineMs: world.clock.monotonicMs() + ms });
  const count = (ref: ActorRef<CounterMessage>): Promise<number> =>
    ref.ask<number>((reply) => ({ kind: "get", reply }), within(60_000));

  beforeEach(() => {
    world = actorWorld();
  });
  afterEach(() => world.end());

  it("makes a crashed actor anew from init after a back-off, and tells the listeners", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    ref.tell({ kind: "add" });
    const error = new Error("injected");
    ref.tell({ kind: "crash", error });
    await world.clock.settle();
    expect(journal).to.deep.equal(["init 1"]);
    expect(world.supervised).to.deep.equal([
      { kind: "restarted", actor: "counter", incarnation: 1, cause: error, backoffMs: 50 },
    ]);
    await world.clock.advance(50);
    expect(journal).to.deep.equal(["init 1", "init 2"]);
    expect(await count(ref)).to.equal(0);
  });

  it("leaves the siblings of a crashed actor untouched, and the parent knows of a failed one", async () => {
    const [one, two] = [counter({ name: "one" }), counter({ name: "two" })];
    const children: ActorRef<CounterMessage>[] = [];
    const ends: ActorEnd[] = [];
    const parent = counter({
      name: "parent",
      init: (context) => {
        for (const child of [one, two]) children.push(context.spawn(child.definition));
        children[0]?.onEnd((end) => ends.push(end));
      },
    });
    const above = world.system.spawn(parent.definition);
    await world.clock.settle();
    const [first, second] = children;
    if (first === undefined || second === undefined) throw new Error("The parent has no children.");
    second.tell({ kind: "add" });
    const error = new Error("injected");
    for (let crash = 0; crash <= actorLimits.restartsMax; crash += 1) {
      first.tell({ kind: "crash", error });
      await world.clock.advance(actorLimits.restartBackoffMsMax);
    }
    expect(ends).to.deep.equal([{ name: "one", how: "failed", cause: error }]);
    expect(world.supervised.map((event) => event.actor)).to.deep.equal(Array(6).fill("parent/one"));
    expect(await count(second)).to.equal(1);
    expect(two.journal).to.deep.equal(["init 1", "get"]);
    expect(parent.journal).to.deep.equal(["init 1"]);
    above.tell({ kind: "act", act: (context) => children.push(context.spawn(one.definition)) });
    await world.clock.settle();
    expect(children).to.have.length(3);
  });

  it("answers the question of the crashed turn with INTERNAL, and says no secret of the cause", async () => {
    const ref = world.system.spawn(counter().definition);
    for (const kind of ["crash", "crashAtOnce"] as const) {
      const asked = ref.ask<number>(
        (reply) => ({ kind, reply, error: new Error("password") }),
        within(1_000),
      );
      const failure = await failureOf(asked);
      expect(failure).to.include({ code: "INTERNAL", reason: "internal" });
      expect(JSON.stringify(failure.toBody())).to.not.include("password");
      await world.clock.advance(1_000);
    }
  });

  it("answers it with the status that the turn threw, when it threw one", async () => {
    const ref = world.system.spawn(counter().definition);
    const error = new StatusError("storeUnavailable", "The store does not answer.");
    const asked = ref.ask<number>((reply) => ({ kind: "crash", reply, error }), within(1_000));
    expect(await failureOf(asked)).to.equal(error);
    expect(world.supervised).to.have.length(1);
  });

  it("answers the questions that the lost state had postponed", async () => {
    const ref = world.system.spawn(counter().definition);
    const asked = failureOf(ref.ask<number>((reply) => ({ kind: "postpone", reply }), within(60_000)));
    ref.tell({ kind: "crash" });
    expect(await asked).to.include({ reason: "internal" });
    expect(world.clock.monotonicMs()).to.equal(0);
  });

  it("keeps the messages that wait for the next incarnation, in their order", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    ref.tell({ kind: "crash" });
    for (const label of ["a", "b"]) ref.tell({ kind: "slow", label });
    const answer = count(ref);
    await world.clock.advance(49);
    ref.tell({ kind: "slow", label: "c" });
    expect(ref.waiting).to.equal(4);
    await world.clock.advance(1);
    expect(await answer).to.equal(0);
    const turns = ["a", "b"].flatMap((label) => [`begin ${label}`, `end ${label}`]);
    expect(journal).to.deep.equal(["init 1", "init 2", ...turns, "get", "begin c", "end c"]);
  });

  it("gives each incarnation its own number and signal, and ends the old one's", async () => {
    const ref = world.system.spawn(counter().definition);
    const seen: { incarnation: number; signal: AbortSignal; spawn: () => unknown }[] = [];
    const look = (): void => {
      ref.tell({
        kind: "act",
        act: (context) => {
          const { incarnation, signal } = context;
          seen.push({
            incarnation,
            signal,
            spawn: () => context.spawn(counter({ name: "late" }).definition),
          });
        },
      });
    };
    look();
    ref.tell({ kind: "crash" });
    look();
    await world.clock.advance(50);
    expect(seen.map(({ incarnation, signal }) => [incarnation, signal.aborted])).to.deep.equal([
      [1, true],
      [2, false],
    ]);
    expect(seen[0]?.spawn).to.throw(StatusError, "has ended");
  });

  it("ends the children of a crashed actor before it is made anew", async () => {
    const journal: string[] = [];
    const child = counter({ name: "child", journal });
    const options: CounterOptions = {
      name: "parent",
      journal,
      init: (context) => void context.spawn(child.definition),
    };
    const ref = world.system.spawn(counter(options).definition);
    await world.clock.settle();
    ref.tell({ kind: "crash" });
    await world.clock.advance(50);
    expect(journal).to.deep.equal(["init 1", "init 1", "stopped at 0", "init 2", "init 1"]);
  });

  it("gives up after too many crashes in the window, and answers all that waits", async () => {
    const { definition, journal } = counter();
    const ref = world.system.spawn(definition);
    const ends: ActorEnd[] = [];
    ref.onEnd((end) => ends.push(end));
    for (let crash = 0; crash <= actorLimits.restartsMax; crash += 1) ref.tell({ kind: "crash" });
    const waiting = failureOf(count(ref));
    ref.tell({ kind: "add" });
    await world.clock.advance(10_000);
    expect(await waiting).to.include({ code: "UNAVAILABLE", reason: "actorStopped" });
    expect(ends.map((end) => end.how)).to.deep.equal(["failed"]);
    expect(world.supervised.at(-1)).to.include({ kind: "failed", incarnation: 6 });
    expect(world.supervised.map((event) => event.backoffMs)).to.deep.equal([50, 100, 200, 400, 800, 0]);
    expect(journal).to.not.include("stopped at 0");
    expect(ref.tell({ kind: "add" })).to.equal(false);
    expect(world.system.busy).to.equal(0);
  });

  it("survives an init that throws for ever: it waits in between, and then gives up", async () => {
    const { definition, journal } = counter({
      init: () => {
        throw new Error("no store");
      },
    });
    const ref = world.system.spawn(definition);
    const waiting = failureOf(count(ref));
    await world.clock.settle();
    expect(journal).to.have.length(1);
    await world.clock.advance(60_000);
    expect(journal).to.have.length(actorLimits.restartsMax + 1);
    expect(await waiting).to.include({ reason: "actorStopped" });
  });

  it("has no limit for crashes that are far apart", async () => {
    const ref = world.system.spawn(counter().definition);
    for (let crash = 0; crash < 20; crash += 1) {
      ref.tell({ kind: "crash" });
      await world.clock.advance(actorLimits.restartWindowMs);
    }
    expect(await count(ref)).to.equal(0);
    expect(new Set(world.supervised.map((event) => event.backoffMs))).to.deep.equal(new Set([50]));
  });

  it("is not disturbed by a listener that throws", async () => {
    world.system.onSupervision(() => {
      throw new Error("a listener's own fault");
    });
    const ref = world.system.spawn(counter().definition);
    ref.tell({ kind: "crash" });
    await world.clock.advance(50);
    expect(await count(ref)).to.equal(0);
    expect(world.logged.map((line) => line.message)).to.include("A supervision listener threw.");
  });

  it("judges: waits twice as long each time up to a maximum, and gives up after so many crashes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: actorLimits.restartWindowMs })), (gaps) => {
        let before: readonly number[] = [];
        let atMs = 0;
        for (const gap of gaps) {
          atMs += gap;
          const { crashes, backoffMs } = judgeCrash(before, atMs);
          expect(crashes.every((time) => atMs - time < actorLimits.restartWindowMs)).to.equal(true);
          expect(backoffMs === undefined).to.equal(crashes.length > actorLimits.restartsMax);
          if (backoffMs === undefined) return;
          expect(backoffMs).to.be.within(actorLimits.restartBackoffMsMin, actorLimits.restartBackoffMsMax);
          before = crashes;
        }
      }),
    );
  });
});
