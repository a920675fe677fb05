/**
 * Bringing events to a sink: each at least once and in order, whatever the sink does and whenever the
 * controller begins anew; and a sink that is away for long is known to be.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { EventQuery } from "../../../actors/ports/event-reads.ts";
import type { EventSink } from "../../../actors/ports/event-sink.ts";
import { createActorSystem } from "../../../actors/runtime/actor.ts";
import { Courier } from "../../../nodes/sinks/courier.ts";
import { ailingSinks } from "../../../nodes/sinks/index.ts";
import { sinkLimits } from "../../../nodes/sinks/limits.ts";
import { memoriesIn, rememberedOf } from "../../../nodes/sinks/memory.ts";
import type { Event } from "../../../protocol/event.ts";
import { eventOf, eventsBetween } from "../../support/event-stream-contract.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { type Noted, rememberingLog } from "../../support/wire-world.ts";

describe("a courier of events", () => {
  let directory: string;
  let clock: SimulatedClock;
  let kept: Event[];
  let heard: number[];
  let noted: Noted[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "novact-courier-"));
    clock = new SimulatedClock();
    kept = [...eventsBetween(1, 3)];
    heard = [];
    noted = [];
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const store = {
    events: {
      list: async ({ after, limit }: EventQuery) => {
        const events = kept.filter(({ sequence }) => sequence > after).slice(0, limit);
        return { events, last: events.at(-1)?.sequence ?? after, trimmed: (kept[0]?.sequence ?? 1) - 1 };
      },
      lastSequence: async () => kept.at(-1)?.sequence ?? 0,
    },
  };
  const taking: EventSink = {
    deliver: async (events) => void heard.push(...events.map(({ sequence }) => sequence)),
  };
  const begin = (sink: EventSink, holder: string) => {
    const log = rememberingLog(noted);
    const system = createActorSystem({ clock, log });
    clock.watch(() => system.busy);
    const memories = memoriesIn(directory);
    return { courier: new Courier({ name: "audit", sink, store, system, memories, holder, log }), system };
  };
  const start = (sink: EventSink, holder = "controller-1") => begin(sink, holder).courier;
  const remembered = () => rememberedOf(directory, "audit");
  const ailing = () => ailingSinks(["audit"], directory, clock.nowMs());

  it("brings what is kept, then what comes, page after page", async () => {
    start(taking);
    await clock.settle();
    expect(heard).to.deep.equal([1, 2, 3]);
    kept.push(...eventsBetween(4, 3 * sinkLimits.deliveredEventsMax));
    await clock.advance(sinkLimits.lookPeriodMs);
    expect(heard).to.deep.equal(kept.map(({ sequence }) => sequence));
  });

  it("goes on where it was when the controller begins anew, and repeats what was not said to be taken", async () => {
    const first = start(taking);
    await clock.settle();
    await first.stop();
    kept.push(eventOf(4));
    const second = start({
      deliver: async (events, signal) => {
        await taking.deliver(events, signal);
        throw new Error("the connection broke before the answer came");
      },
    });
    await clock.settle();
    await second.stop();
    start(taking);
    await clock.settle();
    expect(heard).to.deep.equal([1, 2, 3, 4, 4]);
  });

  const takenBy = () => {
    const numbers: number[] = [];
    const sink: EventSink = {
      deliver: async (events) => void numbers.push(...events.map(({ sequence }) => sequence)),
    };
    return { numbers, sink };
  };

  it("brings no events while another controller does, and goes on at once when that one stops", async () => {
    const first = start(taking);
    const second = takenBy();
    start(second.sink, "controller-2");
    await clock.advance(10 * sinkLimits.heldAfterMs);
    expect([heard, second.numbers]).to.deep.equal([[1, 2, 3], []]);
    await first.stop();
    kept.push(eventOf(4));
    await clock.advance(sinkLimits.lookPeriodMs);
    expect([heard, second.numbers]).to.deep.equal([[1, 2, 3], [4]]);
  });

  it("takes over from a controller that is lost for long, where that one has got", async () => {
    const { system } = begin(taking, "controller-1");
    const second = takenBy();
    start(second.sink, "controller-2");
    await clock.settle();
    // As if it were killed: nothing is given back.
    await system.stop();
    kept.push(eventOf(4));
    await clock.advance(sinkLimits.heldAfterMs);
    expect(second.numbers).to.deep.equal([]);
    await clock.advance(sinkLimits.deliverMsMax + sinkLimits.lookPeriodMs);
    expect([heard, second.numbers]).to.deep.equal([[1, 2, 3], [4]]);
    expect(noted.filter(({ level }) => level === "warn").map(({ message }) => message)).to.deep.equal([
      "another controller is lost: its sink is taken over",
    ]);
  });

  it("leaves the sink to another controller while its own delivery never ends", async () => {
    start({ deliver: () => new Promise(() => undefined) });
    await clock.settle();
    const second = takenBy();
    start(second.sink, "controller-2");
    const { deliverMsMax, backoffMsMax, heldAfterMs, lookPeriodMs } = sinkLimits;
    await clock.advance(2 * (deliverMsMax + backoffMsMax + heldAfterMs + lookPeriodMs));
    expect(second.numbers).to.deep.equal([1, 2, 3]);
  });

  it("waits as long as its sink lets it wait, and nobody takes the sink meanwhile", async () => {
    start({ deliver: () => Promise.reject(new Error("no room")) });
    await clock.settle();
    const second = takenBy();
    start(second.sink, "controller-2");
    await clock.advance(20 * sinkLimits.backoffMsMax);
    expect(second.numbers).to.deep.equal([]);
  });

  it("loses nothing to one that was stopped for long, and comes back with a delivery of before", async () => {
    const late = Promise.withResolvers<void>();
    start({
      deliver: async (events, signal) => {
        await late.promise;
        await taking.deliver(events, signal);
      },
    });
    await clock.settle();
    // Its clock stood still, too: to the other controller it is gone.
    const held = JSON.parse(readFileSync(join(directory, "audit.json"), "utf8"));
    writeFileSync(join(directory, "audit.json"), JSON.stringify({ ...held, heldUntilMs: clock.nowMs() }));
    kept.push(eventOf(4));
    const second = takenBy();
    start(second.sink, "controller-2");
    await clock.settle();
    late.resolve();
    await clock.settle();
    expect([heard, second.numbers]).to.deep.equal([
      [1, 2, 3],
      [1, 2, 3, 4],
    ]);
    expect(remembered()).to.include({ sequence: 4, holder: "controller-2" });
  });

  it("does not believe in a hold that a wrong clock has put far into the future", async () => {
    const far = { sequence: 2, holder: "controller-9", heldUntilMs: clock.nowMs() + 24 * 60 * 60 * 1_000 };
    writeFileSync(join(directory, "audit.json"), JSON.stringify(far));
    start(taking);
    await clock.settle();
    expect(heard).to.deep.equal([3]);
  });

  it("repeats nothing in one life where its memory cannot be written", async () => {
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "no directory");
    start(taking);
    await clock.advance(5 * sinkLimits.lookPeriodMs);
    expect(heard).to.deep.equal([1, 2, 3]);
  });

  it("brings everything again where its memory is damaged", async () => {
    await start(taking).stop();
    writeFileSync(join(directory, "audit.json"), '{"sequence":');
    heard = [];
    start(taking);
    await clock.settle();
    expect(heard).to.deep.equal([1, 2, 3]);
  });

  for (const [what, deliver] of Object.entries({
    rejects: () => Promise.reject(new Error("no\nroom")),
    throws: () => {
      throw new Error("no room");
    },
  }))
    it(`tries again later each time while the sink ${what}, and is known to the doctor`, async () => {
      let calls = 0;
      let broken = true;
      const sink: EventSink = {
        deliver: (...given) => {
          calls += 1;
          return broken ? deliver() : taking.deliver(...given);
        },
      };
      start(sink);
      await clock.advance(sinkLimits.backoffMsMin * (1 + 2 + 4) + 1);
      expect(calls).to.equal(4);
      expect(ailing()).to.deep.equal([]);
      await clock.advance(10 * sinkLimits.backoffMsMax);
      expect(calls).to.be.lessThan(20);
      expect(ailing()).to.have.length(1);
      expect(ailing()[0]).to.deep.include({ name: "audit", why: "no room" });
      expect(noted.filter(({ level }) => level === "warn")).to.have.length(1);
      broken = false;
      await clock.advance(sinkLimits.backoffMsMax);
      expect(heard).to.deep.equal([1, 2, 3]);
      expect(ailing()).to.deep.equal([]);
    });

  it("gives up a sink that hangs, and does not call it again before it has ended", async () => {
    const hanging = Promise.withResolvers<void>();
    let calls = 0;
    const signals: AbortSignal[] = [];
    start({
      deliver: async (events, signal) => {
        calls += 1;
        signals.push(signal);
        if (calls === 1) await hanging.promise;
        else await taking.deliver(events, signal);
      },
    });
    await clock.advance(sinkLimits.deliverMsMax);
    expect(signals[0]?.aborted).to.equal(true);
    await clock.advance(4 * sinkLimits.backoffMsMax);
    expect(calls).to.equal(1);
    expect(remembered().why).to.equal("the delivery takes too long");
    hanging.resolve();
    await clock.advance(2 * sinkLimits.backoffMsMax);
    expect(heard).to.deep.equal([1, 2, 3]);
  });

  it("stops at once, whatever the sink does", async () => {
    const courier = start({ deliver: () => new Promise(() => undefined) });
    await clock.settle();
    await courier.stop();
    expect(remembered().sequence).to.equal(0);
  });

  it("says how many events were gone before the sink got them, and goes on", async () => {
    const courier = start(taking);
    await clock.settle();
    await courier.stop();
    kept = [...eventsBetween(10, 11)];
    const next = start(taking);
    await clock.settle();
    expect(heard).to.deep.equal([1, 2, 3, 10, 11]);
    expect(ailing()).to.deep.equal([{ name: "audit", missed: 6 }]);
    // A day of rounds would show nothing more.
    await next.stop();
    await clock.advance(sinkLimits.missedShownMs);
    expect(ailing()).to.deep.equal([]);
  });

  it("adds up what is missed", async () => {
    for (const [from, to] of [
      [1, 3],
      [10, 11],
      [15, 16],
    ] as const) {
      kept = [...eventsBetween(from, to)];
      const courier = start(taking);
      await clock.settle();
      await courier.stop();
    }
    expect(ailing()).to.deep.equal([{ name: "audit", missed: 6 + 3 }]);
  });

  it("gives no more bytes at once than a sink may get, and at least one event", async () => {
    const { deliveredBytesMax } = sinkLimits;
    const large = (sequence: number, length: number): Event => ({
      ...eventOf(sequence),
      body: { text: "x".repeat(length) },
    });
    kept = [
      ...[1, 2, 3].map((n) => large(n, deliveredBytesMax * 0.4)),
      large(4, 2 * deliveredBytesMax),
      eventOf(5),
    ];
    const pages: number[][] = [];
    start({ deliver: async (events) => void pages.push(events.map(({ sequence }) => sequence)) });
    await clock.settle();
    expect(pages).to.deep.equal([[1, 2], [3], [4], [5]]);
  });

  it("gives half as many after each failure, down to one, and more again when they are taken", async () => {
    kept = [...eventsBetween(1, 20)];
    const sizes: number[] = [];
    start({
      deliver: async (events, signal) => {
        sizes.push(events.length);
        if (sizes.length < 7) throw new Error("413 Payload Too Large");
        await taking.deliver(events, signal);
      },
    });
    await clock.advance(10 * sinkLimits.backoffMsMax);
    expect(sizes.slice(0, 10)).to.deep.equal([20, 10, 5, 2, 1, 1, 1, 2, 4, 8]);
    expect(heard).to.deep.equal(kept.map(({ sequence }) => sequence));
  });

  it("tells nothing of events that were gone before there was a sink", async () => {
    kept = [...eventsBetween(10, 11)];
    start(taking);
    await clock.settle();
    expect(heard).to.deep.equal([10, 11]);
    expect(ailing()).to.deep.equal([]);
  });

  it("begins from the first event of a database that is another one", async () => {
    const courier = start(taking);
    await clock.settle();
    await courier.stop();
    kept = [eventOf(1)];
    heard = [];
    start(taking);
    await clock.advance(sinkLimits.lookPeriodMs);
    expect(heard).to.deep.equal([1]);
  });
});
