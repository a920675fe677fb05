/**
 * Publishing committed events to the stream: in order, without a gap or a double, whichever controller
 * publishes and whatever fails.
 */
import { expect } from "chai";
import type { EventQuery } from "../../../actors/ports/event-reads.ts";
import type { EventStream } from "../../../actors/ports/event-stream.ts";
import { createActorSystem } from "../../../actors/runtime/actor.ts";
import { CountingMeter } from "../../../actors/runtime/counting-meter.ts";
import { eventLimits } from "../../../nodes/events/limits.ts";
import { startEventPublisher } from "../../../nodes/events/publisher.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { eventOf, eventsBetween } from "../../support/event-stream-contract.ts";
import { createMemoryEventStream } from "../../support/memory-event-stream.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { type Noted, rememberingLog } from "../../support/wire-world.ts";

function world() {
  const clock = new SimulatedClock();
  const noted: Noted[] = [];
  const kept = [...eventsBetween(1, 3)];
  let reads = 0;
  const store = {
    events: {
      async list({ after, limit }: EventQuery) {
        reads += 1;
        const events = kept.filter(({ sequence }) => sequence > after).slice(0, limit);
        return { events, last: events.at(-1)?.sequence ?? after, trimmed: (kept[0]?.sequence ?? 1) - 1 };
      },
    },
  };
  const meter = new CountingMeter(rememberingLog(noted));
  const heard: number[] = [];
  const memory = createMemoryEventStream(({ sequence }) => heard.push(sequence));
  return {
    clock,
    noted,
    kept,
    store,
    memory,
    heard,
    meter,
    reads: () => reads,
    start: (stream: EventStream = memory.connect()) => {
      const log = rememberingLog(noted);
      const system = createActorSystem({ clock, log });
      clock.watch(() => system.busy);
      return startEventPublisher({ store, stream, system, log, meter });
    },
  };
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

describe("event publisher", () => {
  it("publishes what there is when it starts, and what comes as soon as it is woken", async () => {
    const w = world();
    const publisher = w.start();
    await w.clock.settle();
    expect(w.heard).to.deep.equal([1, 2, 3]);
    w.kept.push(eventOf(4));
    publisher.wake(4);
    await w.clock.advance(eventLimits.eventPublishSpacingMs);
    expect(w.heard).to.deep.equal([1, 2, 3, 4]);
  });

  it("looks by itself, so a lost wake costs only time", async () => {
    const w = world();
    w.start();
    await w.clock.settle();
    w.kept.push(eventOf(4));
    await w.clock.advance(eventLimits.eventPublishPeriodMs);
    expect(w.heard).to.deep.equal([1, 2, 3, 4]);
  });

  it("makes one round of many wakes", async () => {
    const w = world();
    const publisher = w.start();
    await w.clock.settle();
    const before = w.reads();
    for (let at = 4; at <= 203; at += 1) {
      w.kept.push(eventOf(at));
      publisher.wake(at);
    }
    await w.clock.advance(eventLimits.eventPublishSpacingMs);
    expect(w.heard).to.deep.equal(upTo(203));
    expect(w.reads() - before).to.equal(1);
  });

  it("goes through pages", async () => {
    const w = world();
    w.kept.push(...eventsBetween(4, 3 * eventLimits.eventPublishPage));
    w.start();
    await w.clock.settle();
    expect(w.heard).to.deep.equal(upTo(3 * eventLimits.eventPublishPage));
  });

  it("fills a lost stream again", async () => {
    const w = world();
    w.start();
    await w.clock.settle();
    w.memory.wipe();
    await w.clock.advance(eventLimits.eventPublishPeriodMs);
    expect(w.memory.events.map(({ sequence }) => sequence)).to.deep.equal([1, 2, 3]);
  });

  it("waits longer and longer while the stream is away, says so once, and catches up", async () => {
    const w = world();
    let away = true;
    let tries = 0;
    const inner = w.memory.connect();
    const publisher = w.start({
      async lastSequence() {
        tries += 1;
        if (away) throw new StatusError("notConnected", "Away.");
        return inner.lastSequence();
      },
      publish: (events) => inner.publish(events),
    });
    for (let second = 0; second < 60; second += 1) {
      publisher.wake(3);
      await w.clock.advance(1_000);
    }
    expect(tries).to.be.within(12, 25);
    expect(w.noted.filter(({ level }) => level === "warn")).to.have.length(1);
    away = false;
    await w.clock.advance(eventLimits.eventPublishBackoffMsMax);
    expect(w.heard).to.deep.equal([1, 2, 3]);
  });

  it("does not spin when the stream takes nothing", async () => {
    const w = world();
    let offers = 0;
    w.start({
      lastSequence: async () => 0,
      publish: async () => {
        offers += 1;
        return undefined;
      },
    });
    await w.clock.advance(10 * eventLimits.eventPublishPeriodMs);
    expect(offers).to.be.at.most(11);
  });

  it("works beside others without leader, and nothing is doubled", async () => {
    const w = world();
    const publishers = [w.start(), w.start(), w.start()];
    for (let at = 4; at <= 300; at += 1) {
      w.kept.push(eventOf(at));
      publishers[at % 3]?.wake(at);
      if (at % 10 === 0) await w.clock.advance(3);
    }
    await w.clock.advance(2 * eventLimits.eventPublishPeriodMs);
    expect(w.heard).to.deep.equal(upTo(300));
  });

  it("publishes nothing after it was stopped", async () => {
    const w = world();
    const publisher = w.start();
    await w.clock.settle();
    await publisher.stop();
    w.kept.push(eventOf(4));
    publisher.wake(4);
    await w.clock.advance(5 * eventLimits.eventPublishPeriodMs);
    expect(w.heard).to.deep.equal([1, 2, 3]);
    expect(w.clock.pending).to.equal(0);
  });

  it("shows how many committed events the stream does not have", async () => {
    const w = world();
    let away = false;
    const inner = w.memory.connect();
    const publisher = w.start({
      lastSequence: () => inner.lastSequence(),
      publish: async (events) => {
        if (away) throw new StatusError("notConnected", "Away.");
        return inner.publish(events);
      },
    });
    const lag = () => w.meter.valueOf("novact_events_unpublished", {});
    expect(w.meter.read("novact_events_unpublished"), "before the stream's end was seen").to.deep.equal([]);
    await w.clock.settle();
    expect(lag()).to.equal(0);
    away = true;
    for (let at = 4; at <= 9; at += 1) {
      w.kept.push(eventOf(at));
      publisher.wake(at);
    }
    await w.clock.advance(eventLimits.eventPublishSpacingMs);
    expect(lag()).to.equal(6);
    away = false;
    await w.clock.advance(eventLimits.eventPublishBackoffMsMax);
    expect(lag()).to.equal(0);
  });

  it("shows a lost stream as one that has nothing", async () => {
    const w = world();
    const inner = w.memory.connect();
    let takes = true;
    const publish = async (events: Parameters<EventStream["publish"]>[0]) =>
      takes ? inner.publish(events) : undefined;
    w.start({ lastSequence: () => inner.lastSequence(), publish });
    await w.clock.settle();
    takes = false;
    w.memory.wipe();
    await w.clock.advance(eventLimits.eventPublishPeriodMs);
    expect(w.meter.valueOf("novact_events_unpublished", {})).to.equal(3);
  });
});
