/** The client made from a service's definition: subjects, headers, deadlines, interceptors and retries. */
import { expect } from "chai";
import { imageService } from "../../../protocol/image.ts";
import { instanceService } from "../../../protocol/instance.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { ClientCall, Interceptor } from "../../../protocol/wire/client.ts";
import type { Reason } from "../../../protocol/wire/reasons.ts";
import { pauseMs, retrying } from "../../../protocol/wire/retry.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { thingClient, thingHandlers, thingServer } from "../../support/wire-world.ts";

function world() {
  const clock = new SimulatedClock();
  return { clock, bus: createMemoryBus({ clock, latencyMs: 1 }) };
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );

describe("protocol client", () => {
  it("sends an admin method to the project admin, and the others to its own", async () => {
    const w = world();
    const seen: CallContext[] = [];
    thingServer(w, { handlers: thingHandlers(seen) });
    const client = thingClient(w);
    const calls = Promise.all([client.wipe({}), client.make({ name: "a" })]);
    await w.clock.advance(10);
    await calls;
    expect(seen.map(({ project }) => project)).to.deep.equal(["admin", "demo"]);
  });

  it("refuses a request that breaks the schema before it is sent", async () => {
    const error = await failure(thingClient(world()).make({ name: "no spaces allowed" }));
    expect(error).to.include({ reason: "schemaMismatch" });
  });

  it("lets the remaining time travel, through every interceptor in order", async () => {
    const w = world();
    const seen: CallContext[] = [];
    thingServer(w, { handlers: thingHandlers(seen) });
    const order: string[] = [];
    const named =
      (name: string): Interceptor =>
      (next) =>
      (call) => {
        order.push(name);
        return next(call);
      };
    const client = thingClient(w, { interceptors: [named("outer"), named("inner")] });
    const answer = client.get("t1", {}, { timeoutMs: 700 });
    await w.clock.advance(10);
    await answer;
    expect(order).to.deep.equal(["outer", "inner"]);
    expect(seen[0]?.deadlineMs).to.equal(701);
  });

  it("throws what the server answered, with its reason and its next step", async () => {
    const w = world();
    thingServer(w);
    const answer = failure(thingClient(w).get("missing", {}));
    await w.clock.advance(10);
    const error = await answer;
    expect(error).to.be.instanceOf(StatusError);
    expect(error).to.include({ code: "NOT_FOUND", reason: "instanceNotFound" });
  });

  it("ends at once with the signal's reason when it is cancelled", async () => {
    const w = world();
    thingServer(w, { handlers: thingHandlers([], { get: () => new Promise(() => undefined) }) });
    const abort = new AbortController();
    const answer = failure(thingClient(w).get("t1", {}, { signal: abort.signal }));
    await w.clock.advance(5);
    abort.abort(new Error("enough"));
    expect(await answer).to.include({ message: "enough" });
  });

  it("hears the server's own word about a passed deadline", async () => {
    const w = world();
    thingServer(w, { handlers: thingHandlers([], { get: () => new Promise(() => undefined) }) });
    const answer = failure(thingClient(w).get("t1", {}, { timeoutMs: 100 }));
    await w.clock.advance(1_000);
    expect(await answer).to.include({ reason: "timeout", message: "thing.get was not done within 100 ms." });
  });
});

describe("retries", () => {
  const random = () => 0.5;

  it("repeat with the same request id until somebody answers", async () => {
    const w = world();
    const seen: CallContext[] = [];
    let refusals = 2;
    const flaky = thingHandlers(seen, {
      make: async () => {
        refusals -= 1;
        if (refusals >= 0) throw new StatusError("shuttingDown", "Going.");
        return { thing: { id: "t1", name: "a", project: "demo" } };
      },
    });
    thingServer(w, { handlers: flaky });
    const answer = thingClient(w, { interceptors: [retrying({ clock: w.clock, random })] }).make({
      name: "a",
    });
    await w.clock.advance(1_000);
    expect((await answer).thing.id).to.equal("t1");
    expect(new Set(seen.map(({ requestId }) => requestId)).size).to.equal(1);
    expect(seen).to.have.length(3);
  });

  it("find a server that comes up meanwhile, and give up at the deadline with the last real error", async () => {
    const w = world();
    const client = thingClient(w, { interceptors: [retrying({ clock: w.clock, random })] });
    const found = client.get("t1", {});
    const lost = failure(client.get("t1", {}, { timeoutMs: 2_000 }));
    await w.clock.advance(5_000);
    expect(await lost).to.include({ reason: "noResponders" });
    thingServer(w);
    await w.clock.advance(2_000);
    expect((await found).thing.id).to.equal("t1");
  });

  it("ask again when an answer was lost, of a long poll when its own time is over too", async () => {
    const w = world();
    const attempts: ClientCall[] = [];
    const noting: Interceptor = (next) => (call) => {
      attempts.push(call);
      return next(call);
    };
    const interceptors = [retrying({ clock: w.clock, random }), noting];
    thingServer(w, { handlers: thingHandlers([], { get: () => new Promise(() => undefined) }) });
    const client = thingClient(w, { interceptors });
    const poll = failure(client.get("t1", { waitMs: 100 }));
    await w.clock.advance(wireLimits.timeoutMsDefault * 2);
    await poll;
    const [first, second] = attempts;
    expect((second?.deadlineMs ?? 0) - (first?.deadlineMs ?? 0)).to.be.at.least(
      wireLimits.attemptTimeoutMs + 100,
    );
    attempts.length = 0;
    const often = failure(client.get("t1", {}));
    await w.clock.advance(wireLimits.timeoutMsDefault * 2);
    expect(await often).to.include({ reason: "timeout" });
    expect(attempts).to.have.length(3);
  });

  it("follow from the code alone", () => {
    const wait = (reason: Reason, retryAfterMs?: number) =>
      pauseMs(new StatusError(reason, "x", retryAfterMs === undefined ? {} : { retryAfterMs }), 0, {
        random,
      });
    expect(wait("notRunning")).to.equal(undefined);
    expect(wait("generationConflict")).to.equal(undefined);
    expect(wait("noValidHost")).to.equal(undefined);
    expect(wait("internal")).to.equal(undefined);
    expect(wait("mailboxFull", 100)).to.equal(115);
    expect(wait("noResponders")).to.equal(15);
    expect(wait("timeout")).to.equal(15);
    expect(pauseMs(new Error("a bug"), 0, { random })).to.equal(undefined);
  });
});

describe("retries of a wait", () => {
  const call = {
    noun: "instance",
    name: "create",
    method: instanceService.methods.create,
    project: "demo",
    id: "",
    request: { wait: true },
    requestId: "r",
    deadlineMs: 60_000,
    signal: undefined,
    traceparent: undefined,
    headers: {},
  } satisfies ClientCall;

  it("asks on in pieces with the same request id until the operation has ended", async () => {
    const clock = new SimulatedClock();
    const states = ["running", "running", "done"];
    const seen: ClientCall[] = [];
    const waiting = retrying({ clock, random: () => 0.5 })(async (attempt) => {
      seen.push(attempt);
      return { operation: { state: states[seen.length - 1] } };
    });
    expect(await waiting(call)).to.deep.equal({ operation: { state: "done" } });
    expect(seen.map(({ requestId }) => requestId)).to.deep.equal(["r", "r", "r"]);
    expect(seen[0]?.deadlineMs).to.equal(wireLimits.attemptTimeoutMs);
  });

  it("does not ask again when there is no time left to be kept waiting", async () => {
    const clock = new SimulatedClock();
    let attempts = 0;
    const waiting = retrying({ clock, random: () => 0.5 })(async ({ deadlineMs }) => {
      attempts += 1;
      const untilMs = Math.max(deadlineMs - wireLimits.waitMarginMs, clock.monotonicMs() + 1);
      await new Promise<void>((resolve) => clock.after(untilMs - clock.monotonicMs(), resolve));
      return { operation: { state: "running" } };
    });
    const answer = waiting({ ...call, deadlineMs: wireLimits.attemptTimeoutMs });
    await clock.advance(wireLimits.attemptTimeoutMs);
    expect(await answer).to.deep.equal({ operation: { state: "running" } });
    expect(attempts).to.equal(1);
  });

  it("outlives a server that died with the question", async () => {
    const clock = new SimulatedClock();
    let attempts = 0;
    const waiting = retrying({ clock, random: () => 0.5 })(async () => {
      attempts += 1;
      if (attempts === 1) throw new StatusError("timeout", "Nobody answered.");
      return { operation: { state: "done" } };
    });
    const answer = waiting(call);
    await clock.advance(wireLimits.retryBackoffMsMax);
    expect(await answer).to.deep.equal({ operation: { state: "done" } });
  });

  it("cuts nothing short that says it is long", async () => {
    const clock = new SimulatedClock();
    const seen: ClientCall[] = [];
    const waiting = retrying({ clock, random: () => 0.5 })(async (attempt) => {
      seen.push(attempt);
      return {};
    });
    await waiting({ ...call, method: imageService.methods.register, request: {} });
    expect(seen[0]?.deadlineMs).to.equal(60_000);
  });
});
