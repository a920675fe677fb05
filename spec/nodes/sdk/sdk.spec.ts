/** The SDK on a bus in memory: typed clients, and the loops that follow events, consoles and operations. */
import { expect } from "chai";
import { createClients } from "../../../nodes/sdk/clients.ts";
import { createFollowers } from "../../../nodes/sdk/follow.ts";
import { type Event, eventService } from "../../../protocol/event.ts";
import { instanceService } from "../../../protocol/instance.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { type Operation, operationService } from "../../../protocol/operation.ts";
import { commandBinding } from "../../../protocol/wire/binding.ts";
import { createServer, type Implementation } from "../../../protocol/wire/server.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { eventOf, eventsBetween } from "../../support/event-stream-contract.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { cell, countingIds, rememberingLog } from "../../support/wire-world.ts";

type Handler = (request: never, context: CallContext) => Promise<unknown>;

/** The SDK against a server with these handlers only. */
function world(handlers: Readonly<Record<string, Record<string, Handler>>>) {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const known = [eventService, instanceService, operationService];
  const services: Implementation[] = known.flatMap((service) => {
    const own = handlers[service.noun];
    return own === undefined ? [] : [{ service, handlers: own }];
  });
  const start = () =>
    createServer({
      bus,
      binding: commandBinding(cell),
      services,
      clock,
      ids: countingIds(),
      log: rememberingLog(),
      discoverable: false,
    });
  const sdk = { bus, clock, ids: countingIds("sdk"), project: "demo", cell, random: () => 0.5 };
  const clients = createClients(sdk);
  return { clock, start, clients, ...createFollowers(clients, sdk) };
}

/** An event service over a list of events, with long polls. */
function eventHandlers(kept: Event[], clock: () => SimulatedClock, trimmed = () => 0) {
  return {
    event: {
      async list({ after, limit, waitMs }: { after?: number; limit?: number; waitMs?: number }) {
        const last = kept.at(-1)?.sequence ?? 0;
        if (after === undefined) return { events: [], last, trimmed: trimmed() };
        const find = () => kept.filter(({ sequence }) => sequence > after).slice(0, limit ?? 100);
        if (find().length === 0 && waitMs !== undefined) {
          await new Promise<void>((resolve) => clock().after(Math.min(waitMs, 50), resolve));
        }
        const events = find();
        return { events, last: events.at(-1)?.sequence ?? after, trimmed: trimmed() };
      },
    },
  };
}

async function collect<T>(items: AsyncIterable<T>, into: T[], enough: number): Promise<void> {
  for await (const item of items) {
    into.push(item);
    if (into.length >= enough) return;
  }
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );

const operation = (state: Operation["state"], error: Operation["error"] = null): Operation => ({
  id: "o1",
  project: "demo",
  instanceId: "i1",
  kind: "create",
  state,
  percent: 50,
  step: "placed",
  steps: [],
  requestId: "r",
  startedAtMs: 0,
  deadlineAtMs: 0,
  endedAtMs: null,
  error,
});

describe("sdk: watch", () => {
  it("replays from the beginning and goes on with what comes", async () => {
    const kept = [...eventsBetween(1, 5)];
    const w = world(eventHandlers(kept, () => w.clock));
    w.start();
    const heard: Event[] = [];
    const watching = collect(w.watch({ after: 0 }), heard, 7);
    await w.clock.advance(200);
    expect(heard).to.have.length(5);
    kept.push(eventOf(6), eventOf(7));
    await w.clock.advance(200);
    await watching;
    expect(heard).to.deep.equal(eventsBetween(1, 7));
  });

  it("without a position begins with what comes, and misses nothing from the moment it was called", async () => {
    const kept = [...eventsBetween(1, 5)];
    const w = world(eventHandlers(kept, () => w.clock));
    w.start();
    const heard: Event[] = [];
    const watching = collect(w.watch(), heard, 1);
    await w.clock.advance(10);
    kept.push(eventOf(6));
    await w.clock.advance(100);
    await watching;
    expect(heard.map(({ sequence }) => sequence)).to.deep.equal([6]);
  });

  it("goes on without gap or double when every server was away for minutes", async () => {
    const kept = [...eventsBetween(1, 3)];
    const w = world(eventHandlers(kept, () => w.clock));
    const first = w.start();
    const heard: Event[] = [];
    const watching = collect(w.watch({ after: 0 }), heard, 8);
    await w.clock.advance(100);
    const drained = first.drain();
    await w.clock.advance(100);
    await drained;
    kept.push(...eventsBetween(4, 8));
    await w.clock.advance(180_000);
    expect(heard).to.have.length(3);
    w.start();
    await w.clock.advance(5_000);
    await watching;
    expect(heard).to.deep.equal(eventsBetween(1, 8));
  });

  it("says so when events were trimmed away under it", async () => {
    const w = world(
      eventHandlers(
        [...eventsBetween(50, 60)],
        () => w.clock,
        () => 49,
      ),
    );
    w.start();
    const error = failure(collect(w.watch({ after: 10 }), [], 99));
    await w.clock.advance(100);
    expect(await error).to.include({ code: "ABORTED", reason: "eventsTrimmed" });
    const heard: Event[] = [];
    const watching = collect(w.watch({ after: 0 }), heard, 11);
    await w.clock.advance(100);
    await watching;
    expect(heard[0]?.sequence).to.equal(50);
  });

  it("ends when its signal is aborted", async () => {
    const w = world(eventHandlers([], () => w.clock));
    w.start();
    const abort = new AbortController();
    const error = failure(collect(w.watch({ after: 0, signal: abort.signal }), [], 1));
    await w.clock.advance(20);
    abort.abort(new Error("enough"));
    await w.clock.advance(10);
    expect(await error).to.include({ message: "enough" });
  });
});

describe("sdk: console", () => {
  const log = "abcdefghij";
  const consoleOf = (read: (offset: number) => string): Record<string, Record<string, Handler>> => ({
    instance: {
      async console({ offset = 0, tailLines }: { offset?: number; tailLines?: number }) {
        const from = tailLines === undefined ? offset : log.length - tailLines;
        const text = read(from);
        return { text, offset: from, nextOffset: from + text.length, more: from + text.length < log.length };
      },
    },
  });

  it("reads all pages, from the beginning, a position or the last lines", async () => {
    const w = world(consoleOf((from) => log.slice(from, from + 4)));
    w.start();
    const text = async (options = {}) => {
      const pieces: string[] = [];
      const reading = collect(w.console("i1", options), pieces, 99);
      await w.clock.settle();
      await reading;
      return pieces;
    };
    expect(await text()).to.deep.equal(["abcd", "efgh", "ij"]);
    expect(await text({ offset: 7 })).to.deep.equal(["hij"]);
    expect(await text({ tailLines: 2 })).to.deep.equal(["ij"]);
  });

  it("follows until the instance is gone, and waits while there is no log yet", async () => {
    let calls = 0;
    const w = world(
      consoleOf((from) => {
        calls += 1;
        if (calls < 3) throw new StatusError("consoleUnavailable", "Not yet.");
        if (from >= log.length) throw new StatusError("instanceNotFound", "Gone.");
        return log.slice(from, from + 4);
      }),
    );
    w.start();
    const pieces: string[] = [];
    const reading = collect(w.console("i1", { follow: true }), pieces, 99);
    await w.clock.advance(5_000);
    await reading;
    expect(pieces.join("")).to.equal(log);
  });
});

describe("sdk: waitFor", () => {
  const answers = (...states: Operation[]): Record<string, Record<string, Handler>> => ({
    operation: {
      async get() {
        const next = states.length > 1 ? states.shift() : states[0];
        return { operation: next ?? operation("done") };
      },
    },
  });

  it("answers with the operation when it has ended well, and tells of progress before", async () => {
    const w = world(answers(operation("running"), operation("running"), operation("done")));
    w.start();
    const seen: string[] = [];
    const waiting = w.waitFor({ id: "o1" }, { onProgress: ({ state }) => seen.push(state) });
    await w.clock.settle();
    expect((await waiting).state).to.equal("done");
    expect(seen).to.deep.equal(["running", "running", "done"]);
  });

  it("throws what the operation failed with, and that it was cancelled", async () => {
    const denied = new StatusError("noValidHost", "No host fits.").toBody();
    for (const [end, reason] of [
      [operation("failed", denied), "noValidHost"],
      [operation("cancelled"), "cancelled"],
    ] as const) {
      const w = world(answers(end));
      w.start();
      const waiting = failure(w.waitFor({ id: "o1" }));
      await w.clock.settle();
      expect(await waiting).to.include({ reason });
    }
  });

  it("goes on beyond the deadline of a single question", async () => {
    const w = world(answers(operation("done")));
    const waiting = w.waitFor({ id: "o1" });
    await w.clock.advance(wireLimits.timeoutMsDefault * 20);
    w.start();
    await w.clock.advance(5_000);
    expect((await waiting).state).to.equal("done");
  });
});
