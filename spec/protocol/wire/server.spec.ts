/** The server side of the protocol: decoding, refusals, answers and discovery, byte for byte. */
import { encode } from "@msgpack/msgpack";
import { expect } from "chai";
import { admissionLimits } from "../../../protocol/limits/admission.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { decodeAnswer, encodeBody } from "../../../protocol/wire/codec.ts";
import { headerNames } from "../../../protocol/wire/headers.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import type { BusHandler } from "../../../protocol/wire/transport.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { retainedBytes } from "../../support/retained.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import {
  type Noted,
  rememberingLog,
  thingClient,
  thingHandlers,
  thingServer,
  untilAborted,
} from "../../support/wire-world.ts";

const make = "novact.v1.test.cmd.demo.thing.make";

function world() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const seen: CallContext[] = [];
  const noted: Noted[] = [];
  const log = rememberingLog(noted);
  const ask = async (subject: string, body: unknown = {}, headers: Record<string, string> = {}) => {
    const bytes = body instanceof Uint8Array ? body : encodeBody(body, "json");
    const message = await bus.request(subject, { body: bytes, headers }, 60_000);
    return { ...message, value: decodeAnswer(message.body) };
  };
  const reasonOf = async (...question: Parameters<typeof ask>) =>
    (await ask(...question)).headers[headerNames.reason];
  return { clock, bus, seen, noted, log, ask, reasonOf, handlers: thingHandlers(seen) };
}

/** A server whose handlers never end, and what it serves: the handler of commands is the first. */
function hanging() {
  const clock = new SimulatedClock();
  const served: BusHandler[] = [];
  const serve = (_: string, __: string | undefined, handler: BusHandler) => {
    served.push(handler);
    return { drain: async () => undefined };
  };
  // What ends them is kept, as a timer or a socket would keep it.
  const ends: (() => void)[] = [];
  const make = async () => {
    await new Promise<void>((resolve) => ends.push(resolve));
    return { thing: { id: "t1", name: "a", project: "demo" } };
  };
  thingServer(
    { bus: { ...createMemoryBus({ clock }), serve }, clock },
    { handlers: thingHandlers([], { make }) },
  );
  return { clock, served, ends };
}

/** Lets everything run that can, and collects garbage. */
async function settleAndCollect(clock: SimulatedClock): Promise<void> {
  await clock.settle();
  await new Promise((resolve) => setImmediate(resolve));
  retainedBytes();
}

describe("protocol server", () => {
  it("answers a typed call, and tells the handler who asks, for what, until when", async () => {
    const w = world();
    thingServer(w, { handlers: w.handlers, log: w.log });
    const answer = await thingClient(w).get("t7", {}, { timeoutMs: 500, requestId: "r1" });
    expect(answer.thing).to.deep.equal({ id: "t7", name: "n", project: "demo" });
    expect(w.seen[0]).to.include({ project: "demo", id: "t7", requestId: "r1", deadlineMs: 500 });
  });

  it("answers in the form of the question", async () => {
    const w = world();
    thingServer(w);
    expect((await w.ask(make, encode({ name: "a" }))).body[0]).to.equal(0x81);
    expect((await w.ask(make, { name: "a" })).body[0]).to.equal("{".charCodeAt(0));
    expect((await w.ask(make, encode({ nam: "a" }))).body[0]).to.equal(0x81);
  });

  it("takes an empty body as an empty map", async () => {
    const w = world();
    thingServer(w);
    const { value } = await w.ask("novact.v1.test.cmd.demo.thing.t1.get", new Uint8Array());
    expect(value.thing).to.include({ id: "t1" });
  });

  it("mints a request id when there is none, and keeps a sound traceparent only", async () => {
    const w = world();
    thingServer(w, { handlers: w.handlers });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await w.ask(make, { name: "a" }, { traceparent });
    await w.ask(make, { name: "a" }, { traceparent: "nonsense" });
    expect(w.seen.map((call) => call.traceparent)).to.deep.equal([traceparent, undefined]);
    expect(w.seen.every((call) => call.requestId.startsWith("server-"))).to.equal(true);
  });

  it("finds headers however they are written", async () => {
    const w = world();
    thingServer(w, { handlers: w.handlers });
    await w.ask(make, { name: "a" }, { "novact-request-id": "abc" });
    expect(w.seen[0]?.requestId).to.equal("abc");
  });

  const refusals: readonly [string, string, unknown, Record<string, string>, string, string][] = [
    ["an unknown method", "novact.v1.test.cmd.demo.thing.melt", {}, {}, "unknownMethod", "501"],
    ["an unknown noun", "novact.v1.test.cmd.demo.ghost.make", {}, {}, "unknownMethod", "501"],
    ["an id with dots", "novact.v1.test.cmd.demo.thing.a.b.get", {}, {}, "malformedSubject", "400"],
    ["an id with a star", "novact.v1.test.cmd.demo.thing.*.get", {}, {}, "malformedSubject", "400"],
    ["an entity method without id", "novact.v1.test.cmd.demo.thing.get", {}, {}, "malformedSubject", "400"],
    [
      "a collection method with id",
      "novact.v1.test.cmd.demo.thing.x.make",
      {},
      {},
      "malformedSubject",
      "400",
    ],
    ["an admin method elsewhere", "novact.v1.test.cmd.demo.thing.wipe", {}, {}, "adminOnly", "403"],
    ["the project sys", "novact.v1.test.cmd.sys.thing.make", { name: "a" }, {}, "projectMismatch", "403"],
    ["malformed JSON", make, Buffer.from("{"), {}, "malformedBody", "400"],
    ["malformed msgpack", make, Uint8Array.of(0x82, 0xa1), {}, "malformedBody", "400"],
    ["a wrong type", make, { name: 5 }, {}, "schemaMismatch", "400"],
    ["an unknown field", make, { name: "a", colour: "red" }, {}, "unknownField", "400"],
    ["an unknown field beside a wrong one", make, { name: 5, colour: "red" }, {}, "schemaMismatch", "400"],
    ["a body too large", make, Buffer.alloc(wireLimits.bodyBytesMax + 1, " "), {}, "bodyTooLarge", "400"],
    ["a deadline in the past", make, { name: "a" }, { "Novact-Timeout-Ms": "-1" }, "deadlinePast", "504"],
    ["a deadline that is no number", make, {}, { "Novact-Timeout-Ms": "soon" }, "malformedHeader", "400"],
    ["a request id with a space", make, {}, { "Novact-Request-Id": "a b" }, "malformedHeader", "400"],
    ["a request id too long", make, {}, { "Novact-Request-Id": "a".repeat(129) }, "malformedHeader", "400"],
  ];
  for (const [what, subject, body, headers, reason, number] of refusals) {
    it(`refuses ${what} with ${reason}, in headers and body`, async () => {
      const w = world();
      thingServer(w);
      const answer = await w.ask(subject, body, headers);
      expect(answer.headers[headerNames.reason]).to.equal(reason);
      expect(answer.headers[headerNames.errorNumber]).to.equal(number);
      expect(answer.value.error).to.include({ reason, message: answer.headers[headerNames.errorMessage] });
    });
  }

  it("answers at the deadline even when the handler hangs, and tells the handler", async () => {
    const w = world();
    thingServer(w, { handlers: thingHandlers(w.seen, { make: () => new Promise(() => undefined) }) });
    const reason = w.reasonOf(make, { name: "a" }, { "Novact-Timeout-Ms": "300" });
    await w.clock.advance(299);
    expect(w.seen[0]?.signal.aborted).to.equal(false);
    await w.clock.advance(1);
    expect(await reason).to.equal("timeout");
    expect(w.seen[0]?.signal.aborted).to.equal(true);
  });

  it("lets go of a request's bytes once they are read, however long it is worked on", async () => {
    const { served, clock, ends } = hanging();
    const ask = () => {
      const body = Uint8Array.from(Buffer.from('{"name":"a"}'));
      void served[0]?.(make, { body, headers: {} });
      return new WeakRef(body);
    };
    const bodies = [ask(), ask(), ask()];
    await settleAndCollect(clock);
    expect(ends).to.have.length(bodies.length);
    expect(bodies.map((body) => body.deref())).to.deep.equal([undefined, undefined, undefined]);
  });

  it("keeps of a request that waits for its turn its own bytes, not all that came with them", async () => {
    const { served, clock } = hanging();
    const ask = () => {
      const chunk = Uint8Array.from(Buffer.from('{"name":"a"} and another message'));
      void served[0]?.(make, { body: chunk.subarray(0, 12), headers: {} });
      return new WeakRef(chunk.buffer);
    };
    const chunks = Array.from({ length: admissionLimits.requestsAtWorkPerProjectMax + 20 }, ask);
    await settleAndCollect(clock);
    expect(chunks.filter((chunk) => chunk.deref() !== undefined).length).to.equal(0);
  });

  it("caps a deadline that is too far away", async () => {
    const w = world();
    thingServer(w, { handlers: w.handlers });
    await w.ask(make, { name: "a" }, { "Novact-Timeout-Ms": "999999999999" });
    expect(w.seen[0]?.deadlineMs).to.equal(wireLimits.timeoutMsMax);
  });

  it("keeps what a handler threw for the log, and answers INTERNAL with the request id", async () => {
    const w = world();
    const make_ = () => Promise.reject(new Error("password=secret"));
    thingServer(w, { log: w.log, handlers: thingHandlers([], { make: make_ }) });
    const answer = await w.ask(make, { name: "a" }, { "Novact-Request-Id": "r9" });
    expect(answer.headers[headerNames.code]).to.equal("INTERNAL");
    expect(JSON.stringify(answer.value)).to.include("r9").and.not.include("secret");
    expect(w.noted.find(({ level }) => level === "error")?.fields).to.include({ requestId: "r9" });
  });

  it("answers INTERNAL when a handler breaks its own promise", async () => {
    const w = world();
    const broken = { thing: { id: "not a token", name: "a", project: "demo" } };
    thingServer(w, { log: w.log, handlers: thingHandlers([], { make: async () => broken }) });
    expect(await w.reasonOf(make, { name: "a" })).to.equal("internal");
    expect(String(w.noted[0]?.fields.detail)).to.include("thing.id");
  });

  it("refuses an answer that is too large for the bus", async () => {
    const w = world();
    thingServer(w);
    const get = "novact.v1.test.cmd.demo.thing.t1.get";
    expect(await w.reasonOf(get, { size: wireLimits.answerBytesMax })).to.equal("answerTooLarge");
  });

  it("drains: takes nothing more, and answers what it had taken", async () => {
    const w = world();
    let finish: (() => void) | undefined;
    const thing = { id: "t1", name: "a", project: "demo" };
    const slow = () => new Promise<{ thing: typeof thing }>((resolve) => (finish = () => resolve({ thing })));
    const server = thingServer(w, { handlers: thingHandlers([], { make: slow }) });
    const taken = w.ask(make, { name: "a" });
    await w.clock.settle();
    const drained = server.drain();
    await w.ask(make, { name: "b" }).then(
      () => expect.fail("was taken"),
      (error: unknown) => expect(error).to.include({ reason: "noResponders" }),
    );
    finish?.();
    expect((await taken).value.thing).to.deep.equal(thing);
    await drained;
  });

  it("drains in bounded time: who waits for something that does not come is sent elsewhere", async () => {
    const w = world();
    const server = thingServer(w, {
      handlers: thingHandlers(w.seen, { make: (_, context) => untilAborted(context) }),
    });
    const waiting = w.reasonOf(make, { name: "a" }, { [headerNames.timeoutMs]: "30000" });
    await w.clock.settle();
    const drained = server.drain();
    await w.clock.advance(wireLimits.drainGraceMs);
    expect(await waiting).to.equal("shuttingDown");
    await drained;
    expect(server.inWork).to.equal(0);
    expect(w.clock.monotonicMs()).to.equal(wireLimits.drainGraceMs);
  });

  it("describes itself to NATS's tools: every method an endpoint with its schema", async () => {
    const w = world();
    thingServer(w);
    await w.ask(make, { nam: 1 });
    const info = (await w.ask("$SRV.INFO.novact-thing")).value;
    expect(info).to.include({
      type: "io.nats.micro.v1.info_response",
      name: "novact-thing",
      version: "1.2.3",
    });
    const stats = (await w.ask(`$SRV.STATS.novact-thing.${String(info.id)}`)).value;
    expect(stats.endpoints).to.have.length(3);
    const [first] = Array.isArray(stats.endpoints) ? stats.endpoints : [];
    expect(first).to.include({
      subject: "novact.v1.test.cmd.*.thing.make",
      queue_group: "novact",
      num_requests: 1,
      num_errors: 1,
    });
  });
});
