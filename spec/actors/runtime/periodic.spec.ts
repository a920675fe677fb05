/** Loops: when rounds begin, what is remembered of them, how a hanging one is given up, how a loop ends. */
import { expect } from "chai";
import { ActorCore } from "../../../actors/runtime/actor-core.ts";
import { actorLimits } from "../../../actors/runtime/limits.ts";
import {
  Periodic,
  type PeriodicActor,
  type PeriodicOptions,
  periodicActor,
} from "../../../actors/runtime/periodic.ts";
import { type ActorWorld, actorWorld } from "../../support/actor-world.ts";
import type { SimulatedClock } from "../../support/simulated-clock.ts";

describe("a loop", () => {
  let world: ActorWorld;
  let clock: SimulatedClock;
  /** When each round began. */
  let began: number[];
  beforeEach(() => {
    world = actorWorld();
    clock = world.clock;
    began = [];
  });
  afterEach(async () => {
    await world.end();
    expect(clock.pending, "timers left behind").to.equal(0);
  });
  const loop = (options: Partial<PeriodicOptions> & { readonly tookMs?: number } = {}) =>
    new Periodic(world.system, {
      ...{ name: "loop", pauseMs: () => 100 },
      round: async () => {
        began.push(clock.monotonicMs());
        const { tookMs = 0 } = options;
        if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve));
      },
      ...options,
    });
  const begin = async (rounds: Periodic) => {
    void rounds.start();
    await clock.settle();
  };
  const kinds = () => world.supervised.map(({ kind }) => kind);

  it("begins at once or after a pause, and pauses from the end of one round to the next", async () => {
    const first = loop({ tookMs: 30 });
    await begin(first);
    await clock.advance(300);
    expect(began).to.deep.equal([0, 130, 260]);
    await first.stop();
    began = [];
    const later = loop();
    later.next();
    await clock.advance(250);
    expect(began).to.deep.equal([400, 500]);
    await later.stop();
  });

  it("resolves its start when the first round has ended", async () => {
    let ended = false;
    const rounds = loop({ tookMs: 30 });
    void rounds.start().then(() => {
      ended = true;
    });
    await clock.advance(29);
    expect(ended).to.equal(false);
    await clock.advance(1);
    expect(ended).to.equal(true);
  });

  it("lets rounds overlap when it is told to, and else never", async () => {
    const overlapping = loop({ tookMs: 250, overlapping: true });
    await begin(overlapping);
    await clock.advance(200);
    expect(began).to.deep.equal([0, 100, 200]);
    void overlapping.stop();
    await clock.advance(1_000);
    expect(began).to.deep.equal([0, 100, 200]);
    began = [];
    const plain = loop({ tookMs: 250 });
    await begin(plain);
    await clock.advance(10);
    plain.next(5);
    await clock.advance(240);
    expect(began).to.deep.equal([1_200]);
  });

  it("comes sooner when it is asked to, and asks for its pause anew each time", async () => {
    let pauseMs = 1_000;
    const rounds = loop({ pauseMs: () => pauseMs });
    await begin(rounds);
    await clock.advance(10);
    rounds.next(20);
    await clock.advance(20);
    expect(began).to.deep.equal([0, 30]);
    pauseMs = 50;
    rounds.next();
    await clock.advance(100);
    expect(began).to.deep.equal([0, 30, 80, 130]);
  });

  it("makes one round of many wishes for one", async () => {
    const rounds = loop();
    for (let wish = 0; wish < 10; wish += 1) rounds.next(0);
    await clock.settle();
    for (let wish = 0; wish < 10; wish += 1) rounds.next(0);
    await clock.settle();
    expect(began).to.deep.equal([0, 0]);
    await clock.advance(100);
    expect(began).to.deep.equal([0, 0, 100]);
  });

  it("stops when the round under way has ended, and begins no more, whoever asks", async () => {
    const rounds = loop({ tookMs: 30 });
    await begin(rounds);
    await clock.advance(10);
    let stopped = false;
    void rounds.stop().then(() => {
      stopped = true;
    });
    await clock.advance(19);
    expect(stopped).to.equal(false);
    await clock.advance(1);
    expect(stopped).to.equal(true);
    rounds.next();
    await rounds.start();
    await clock.advance(1_000);
    expect([began, clock.pending]).to.deep.equal([[0], 0]);
  });

  it("remembers its last round: when it began, how long it took, what it did, and whether it failed", async () => {
    let fails = false;
    const rounds = loop({
      round: async ({ fail, did }) => {
        await new Promise<void>((resolve) => clock.after(7, resolve));
        did("three things");
        if (fails) fail();
      },
    });
    await begin(rounds);
    expect(rounds.loop).to.include({ last: undefined, rounds: 0, underWaySinceMs: 0, hanging: 0 });
    await clock.advance(7);
    const did = "three things";
    expect(rounds.loop.last).to.deep.equal({ beganAtMs: 0, tookMs: 7, failed: false, did });
    fails = true;
    await clock.advance(107);
    expect(rounds.loop.last).to.deep.equal({ beganAtMs: 107, tookMs: 7, failed: true, did });
    expect(rounds.loop).to.include({ rounds: 2, underWaySinceMs: undefined });
  });

  it("goes on after a round that threw, which its supervisor tells of", async () => {
    const rounds = loop({
      round: async () => {
        began.push(clock.monotonicMs());
        if (began.length === 1) throw new Error("a bug");
      },
    });
    await begin(rounds);
    expect(rounds.loop.last?.failed).to.equal(true);
    await clock.advance(actorLimits.restartBackoffMsMin + 100);
    expect([began, rounds.loop.last?.failed]).to.deep.equal([[0, 150], false]);
    expect(kinds()).to.deep.equal(["restarted"]);
  });

  it("gives up a round that hangs, aborts it, shows that it hangs, and goes on", async () => {
    const gate = Promise.withResolvers<void>();
    let aborted: boolean | undefined;
    const rounds = loop({
      roundMsMax: 5_000,
      round: async ({ signal, did }) => {
        began.push(clock.monotonicMs());
        if (began.length > 1) return;
        await gate.promise;
        aborted = signal.aborted;
        did("too late");
      },
    });
    await begin(rounds);
    await clock.advance(4_999);
    expect(rounds.loop).to.include({ underWaySinceMs: 0, hanging: 0, rounds: 0 });
    await clock.advance(1);
    expect(rounds.loop).to.include({ hanging: 1, rounds: 1 });
    expect(rounds.loop.last).to.deep.equal({ beganAtMs: 0, tookMs: 5_000, failed: true, did: "" });
    await clock.advance(actorLimits.restartBackoffMsMin + 100);
    expect([began, kinds()]).to.deep.equal([[0, 5_150], ["restarted"]]);
    gate.resolve();
    await clock.settle();
    expect(aborted).to.equal(true);
    expect(rounds.loop).to.include({ hanging: 0 });
    expect(rounds.loop.last).to.include({ failed: false, did: "" });
  });

  it("begins no further round when too many hang, and says each time that they do", async () => {
    const rounds = loop({
      roundMsMax: 1_000,
      round: async () => {
        began.push(clock.monotonicMs());
        await new Promise(() => undefined);
      },
    });
    await begin(rounds);
    await clock.advance(600_000);
    expect(began).to.have.length(actorLimits.roundsHangingMax);
    expect(rounds.loop.hanging).to.equal(actorLimits.roundsHangingMax);
    expect(rounds.loop.last?.failed).to.equal(true);
    expect(clock.monotonicMs() - (rounds.loop.last?.beganAtMs ?? 0)).to.be.at.most(
      2 * actorLimits.restartWindowMs,
    );
    await rounds.stop();
  });

  it("is not made anew when the process ends meanwhile", async () => {
    const round = async () => {
      throw new Error("a bug");
    };
    await begin(loop({ round }));
    await clock.runUntil(() => kinds().includes("failed"));
    await world.end();
    await clock.advance(actorLimits.restartWindowMs);
    expect(kinds().filter((kind) => kind === "failed")).to.have.length(1);
  });

  it("tells its process when its supervisor has given it up", async () => {
    let failed = 0;
    const round = async () => {
      throw new Error("a bug");
    };
    const onFailed = () => {
      failed += 1;
    };
    await begin(loop({ round, onFailed }));
    await clock.advance(60_000);
    expect([failed, kinds().at(-1)]).to.deep.equal([1, "failed"]);
  });

  it("is made anew a while after it was given up, if its process can go on without it", async () => {
    let broken = true;
    const rounds = loop({
      round: async () => {
        began.push(clock.monotonicMs());
        if (broken) throw new Error("a bug");
      },
    });
    await begin(rounds);
    await clock.runUntil(() => kinds().includes("failed"));
    broken = false;
    const before = began.length;
    rounds.next(0);
    await clock.advance(actorLimits.restartWindowMs - 1);
    expect(began).to.have.length(before);
    await clock.advance(200);
    expect(began.length).to.be.greaterThan(before);
    expect(rounds.loop.last?.failed).to.equal(false);
  });

  it("makes a crash of what an overlapping round throws", async () => {
    const rounds = loop({
      overlapping: true,
      round: async () => {
        began.push(clock.monotonicMs());
        if (began.length === 1) throw new Error("a bug");
      },
    });
    await begin(rounds);
    await clock.advance(1_000);
    expect(kinds()).to.deep.equal(["restarted"]);
    expect(began.length).to.be.greaterThan(5);
  });

  it("goes on when its tick found no room in its own mailbox", async () => {
    const rounds = loop();
    await begin(rounds);
    const { tell } = ActorCore.prototype;
    ActorCore.prototype.tell = () => false;
    try {
      await clock.advance(250);
    } finally {
      ActorCore.prototype.tell = tell;
    }
    await clock.advance(100);
    expect(began).to.deep.equal([0, 300]);
  });
});

describe("an actor that is a loop", () => {
  let world: ActorWorld;
  let began: number[];
  let crash = false;
  let definition: PeriodicActor<number>;
  beforeEach(() => {
    world = actorWorld();
    [began, crash] = [[], false];
    definition = periodicActor<number>({
      name: "loop",
      pauseMs: () => 100,
      begin: () => 0,
      round: async (count, { clock }, { fail }) => {
        began.push(clock.monotonicMs());
        if (crash) throw new Error("a bug");
        if (count === 1) fail();
        return count + 1;
      },
    });
    world.system.spawn(definition);
  });
  afterEach(async () => {
    await world.end();
    expect(world.clock.pending, "timers left behind").to.equal(0);
  });

  it("keeps its state from round to round, and remembers the last one", async () => {
    await world.clock.advance(100);
    expect(definition.loop.last).to.deep.equal({ beganAtMs: 100, tookMs: 0, failed: false, did: "" });
    await world.clock.advance(100);
    expect(definition.loop.last).to.deep.equal({ beganAtMs: 200, tookMs: 0, failed: true, did: "" });
    await world.clock.advance(100);
    expect(definition.loop.last?.failed).to.equal(false);
    expect(began).to.deep.equal([100, 200, 300]);
  });

  it("begins anew after a crash, with one timer, and remembers that the round failed", async () => {
    crash = true;
    await world.clock.advance(100);
    expect(definition.loop.last?.failed).to.equal(true);
    expect(world.supervised.map(({ kind }) => kind)).to.deep.equal(["restarted"]);
    crash = false;
    const before = began.length;
    await world.clock.advance(10_000);
    const rounds = began.slice(before);
    const pauses = rounds.slice(1).map((atMs, index) => atMs - (rounds[index] ?? 0));
    expect(new Set(pauses)).to.deep.equal(new Set([100]));
  });
});
