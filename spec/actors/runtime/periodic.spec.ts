/** Loops: when rounds begin, what a loop remembers of its last round, and how it ends. */
import { expect } from "chai";
import {
  Periodic,
  type PeriodicActor,
  type PeriodicOptions,
  periodicActor,
} from "../../../actors/runtime/periodic.ts";
import { type ActorWorld, actorWorld } from "../../support/actor-world.ts";
import { silentLog } from "../../support/silent-log.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";

describe("a loop", () => {
  let clock: SimulatedClock;
  /** When each round began. */
  let began: number[];
  beforeEach(() => {
    clock = new SimulatedClock();
    began = [];
  });
  const loop = (options: Partial<PeriodicOptions> & { readonly tookMs?: number } = {}) =>
    new Periodic({
      ...{ name: "loop", clock, log: silentLog, pauseMs: () => 100 },
      round: async () => {
        began.push(clock.monotonicMs());
        const { tookMs = 0 } = options;
        if (tookMs > 0) await new Promise<void>((resolve) => clock.after(tookMs, resolve));
      },
      ...options,
    });

  it("begins at once or after a pause, and pauses from the end of one round to the next", async () => {
    const first = loop({ tookMs: 30 });
    void first.start();
    await clock.advance(300);
    expect(began).to.deep.equal([0, 130, 260]);
    await first.stop();
    began = [];
    const later = loop();
    later.next();
    await clock.advance(250);
    expect(began).to.deep.equal([400, 500]);
    await later.stop();
    expect(clock.pending).to.equal(0);
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
    await rounds.stop();
  });

  it("lets rounds overlap when it is told to, and else never", async () => {
    const overlapping = loop({ tookMs: 250, overlapping: true });
    void overlapping.start();
    await clock.advance(200);
    expect(began).to.deep.equal([0, 100, 200]);
    void overlapping.stop();
    await clock.advance(1_000);
    expect(began).to.deep.equal([0, 100, 200]);
    began = [];
    const plain = loop({ tookMs: 250 });
    void plain.start();
    await clock.advance(10);
    plain.next(5);
    await clock.advance(240);
    expect(began).to.deep.equal([1_200]);
    void plain.stop();
    await clock.advance(1_000);
  });

  it("comes sooner when it is asked to, and asks for its pause anew each time", async () => {
    let pauseMs = 1_000;
    const rounds = loop({ pauseMs: () => pauseMs });
    void rounds.start();
    await clock.advance(10);
    rounds.next(20);
    await clock.advance(20);
    expect(began).to.deep.equal([0, 30]);
    pauseMs = 50;
    rounds.next();
    await clock.advance(100);
    expect(began).to.deep.equal([0, 30, 80, 130]);
    await rounds.stop();
  });

  it("stops when the round under way has ended, and begins no more, whoever asks", async () => {
    const rounds = loop({ tookMs: 30 });
    void rounds.start();
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

  it("remembers its last round: when it began, how long it took, and whether it failed", async () => {
    let fails = false;
    const rounds = loop({
      round: async ({ fail }) => {
        await new Promise<void>((resolve) => clock.after(7, resolve));
        if (fails) fail();
      },
    });
    expect(rounds.loop).to.include({ name: "loop", last: undefined });
    void rounds.start();
    await clock.advance(7);
    expect(rounds.loop.last).to.deep.equal({ beganAtMs: 0, tookMs: 7, failed: false });
    fails = true;
    await clock.advance(107);
    expect(rounds.loop.last).to.deep.equal({ beganAtMs: 107, tookMs: 7, failed: true });
    await rounds.stop();
  });

  it("goes on after a round that threw, and says so", async () => {
    const said: string[] = [];
    const log = { ...silentLog, error: (_: object, message: string) => void said.push(message) };
    const rounds = loop({
      log,
      round: async () => {
        began.push(clock.monotonicMs());
        if (began.length === 1) throw new Error("a bug");
      },
    });
    await rounds.start();
    expect(rounds.loop.last?.failed).to.equal(true);
    await clock.advance(100);
    expect([began, rounds.loop.last?.failed]).to.deep.equal([[0, 100], false]);
    expect(said).to.have.length(1);
    await rounds.stop();
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
      periodMs: 100,
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
    expect(definition.loop.last).to.deep.equal({ beganAtMs: 100, tookMs: 0, failed: false });
    await world.clock.advance(100);
    expect(definition.loop.last).to.deep.equal({ beganAtMs: 200, tookMs: 0, failed: true });
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
