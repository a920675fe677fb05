/**
 * Processes of two versions that talk: a newer one to an older one and back, peers among themselves and
 * clients with servers, with fields, words and reasons that one of them does not know, at every depth.
 */
import { type TSchema, Type } from "@sinclair/typebox";
import { expect } from "chai";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { commandBinding, reportBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { errorOf } from "../../protocol/wire/headers.ts";
import { retrying } from "../../protocol/wire/retry.ts";
import {
  answer,
  Count,
  growing,
  lenient,
  literals,
  Metadata,
  nullable,
  request,
} from "../../protocol/wire/schema.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import { type CallContext, method, service } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Bus, BusMessage } from "../../protocol/wire/transport.ts";
import { nothingLeftOut, understood } from "../../protocol/wire/understood.ts";
import { createMemoryBus } from "../support/memory-bus.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import {
  cell,
  countingIds,
  type Noted,
  rememberingLog,
  thingClient,
  thingServer,
} from "../support/wire-world.ts";

/** A report method in two versions: `older` as it was, `newer` with additions. */
function reports<Q extends TSchema, A extends TSchema>(asked: Q, answered: A) {
  return service({
    noun: "report",
    version: "1.0.0",
    summary: "Reports to test with.",
    peers: true,
    methods: {
      tell: method({
        request: asked,
        answer: answered,
        target: "collection",
        audience: "admin",
        mutates: true,
        summary: "Tells.",
      }),
    },
  });
}

const older = reports(
  request({
    host: answer({ name: Type.String(), disk: nullable(answer({ size: Count })) }),
    machines: lenient(
      answer({ id: Count, state: literals(["on", "off"]), why: growing(["asked", "crashed"], "asked") }),
    ),
    tags: Metadata,
  }),
  answer({ host: answer({ name: Type.String() }), stored: Type.Array(Count) }),
);
const newer = reports(
  request({
    lease: Type.Optional(answer({ untilMs: Count })),
    host: answer({
      name: Type.String(),
      rack: Type.Optional(Type.String()),
      disk: nullable(answer({ size: Count, fast: Type.Optional(Type.Boolean()) })),
    }),
    machines: lenient(
      answer({
        id: Count,
        state: literals(["on", "off", "asleep"]),
        why: growing(["asked", "crashed", "moved"], "asked"),
        fence: Type.Optional(Count),
      }),
    ),
    tags: Metadata,
  }),
  answer({
    host: answer({ name: Type.String(), rack: Type.Optional(Type.String()) }),
    stored: Type.Array(Count),
    lease: Type.Optional(answer({ untilMs: Count })),
  }),
);

const tags = { "any.key": "is data" };
const said = {
  lease: { untilMs: 5 },
  host: { name: "h", rack: "r", disk: { size: 1, fast: true } },
  machines: [
    { id: 1, state: "on" as const, why: "moved" as const, fence: 3 },
    { id: 2, state: "asleep" as const, why: "asked" as const },
    { id: 3, state: "off" as const, why: "crashed" as const },
  ],
  tags,
};
const plain = {
  host: { name: "h", disk: null },
  machines: [{ id: 1, state: "on" as const, why: "crashed" as const }],
  tags,
};

function world() {
  const clock = new SimulatedClock();
  const noted: Noted[] = [];
  return { clock, bus: createMemoryBus({ clock }), ids: countingIds(), log: rememberingLog(noted), noted };
}

describe("peers of two versions", () => {
  it("an older one sees of a newer one's request what it knows, at every depth, and says what it left out", async () => {
    const w = world();
    const heard: unknown[] = [];
    const told: unknown[] = [];
    const tell = async (body: unknown, { leftOut }: CallContext) => {
      heard.push(body);
      told.push(leftOut);
      return { host: { name: "h" }, stored: [1] };
    };
    createServer({ ...w, binding: reportBinding(cell), services: [implement(older, { tell })] });
    const binding = reportBinding(cell, "h1");
    expect(await createClient(newer, { ...w, binding }).tell(said)).to.deep.equal({
      host: { name: "h" },
      stored: [1],
    });
    expect(heard).to.deep.equal([
      {
        host: { name: "h", disk: { size: 1 } },
        machines: [
          { id: 1, state: "on", why: "asked" },
          { id: 3, state: "off", why: "crashed" },
        ],
        tags,
      },
    ]);
    const sentence = "Entry 1: The field state must be one of on, off.";
    expect(told).to.deep.equal([{ entries: 1, sentences: [sentence] }]);
  });

  it("a newer one takes an older one's request, and the older one drops what it does not know of the answer", async () => {
    const w = world();
    const heard: unknown[] = [];
    const tell = async (body: unknown) => {
      heard.push(body);
      return { host: { name: "h", rack: "r" }, stored: [], lease: { untilMs: 9 } };
    };
    createServer({ ...w, binding: reportBinding(cell), services: [implement(newer, { tell })] });
    const answered = await createClient(older, { ...w, binding: reportBinding(cell, "h1") }).tell(plain);
    expect(answered).to.deep.equal({ host: { name: "h" }, stored: [] });
    expect(heard).to.deep.equal([plain]);
    expect(w.noted).to.deep.equal([]);
  });

  it("what is wrong is still refused, and the log of who refuses says so", async () => {
    const w = world();
    const tell = async () => ({ host: { name: "h" }, stored: [] });
    createServer({ ...w, binding: reportBinding(cell), services: [implement(older, { tell })] });
    const body = Buffer.from(JSON.stringify({ ...said, host: { rack: "r" } }));
    const { headers } = await w.bus.request("novact.v1.test.report.h1.tell", { body, headers: {} }, 1_000);
    expect(headers["Novact-Reason"]).to.equal("schemaMismatch");
    expect(headers["Nats-Service-Error"]).to.include("host.name is missing");
    expect(w.noted.map(({ level }) => level)).to.deep.equal(["warn"]);
  });

  it("a value in which nothing is unknown stays the very same", () => {
    expect(understood(older.methods.tell.request)(plain, nothingLeftOut())).to.equal(plain);
    expect(understood(newer.methods.tell.request)(said, nothingLeftOut())).to.equal(said);
  });

  it("of several alternatives the one that fits is meant", () => {
    const schema = Type.Union([answer({ a: Count }), answer({ b: Count }), Type.Null()]);
    const read = understood(schema);
    expect(read({ b: 1, c: 2 }, nothingLeftOut())).to.deep.equal({ b: 1 });
    expect([
      read(null, nothingLeftOut()),
      read({ c: 2 }, nothingLeftOut()),
      read(7, nothingLeftOut()),
    ]).to.deep.equal([null, { c: 2 }, 7]);
  });

  it("values of the wrong shape pass unchanged, for the validator to refuse", () => {
    const read = understood(older.methods.tell.request);
    for (const odd of [null, 7, "text", [1], { host: [1], machines: { a: 1 }, tags: 5 }])
      expect(read(odd, nothingLeftOut())).to.deep.equal(odd);
  });
});

describe("a client and a server of two versions", () => {
  const make = "novact.v1.test.cmd.demo.thing.make";
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));

  it("an unknown field is refused by name, with nothing done, and the server says that it may be older", async () => {
    const w = world();
    thingServer(w);
    const asked = { body: json({ name: "a", colour: "red" }), headers: {} };
    const { headers } = await w.bus.request(make, asked, 1_000);
    expect(headers["Novact-Reason"]).to.equal("unknownField");
    expect(headers["Nats-Service-Error"]).to.include("The field colour is not known;");
    expect(headers["Nats-Service-Error"])
      .to.include("Nothing was done.")
      .and.include("older than its client");
  });

  /** A bus on which the first `olderServers` requests reach a server that is older than its client. */
  function upgrading(bus: Bus, olderServers: number, reason: "unknownField" | "unknownMethod") {
    const asked: string[] = [];
    const request = async (...question: Parameters<Bus["request"]>): Promise<BusMessage> => {
      asked.push(question[0]);
      if (asked.length <= olderServers) throw new StatusError(reason, "The field kind is not known.");
      return bus.request(...question);
    };
    return { asked, bus: { ...bus, request } };
  }

  for (const reason of ["unknownField", "unknownMethod"] as const)
    it(`${reason}: the client asks the next server, and is soon told when all are older`, async () => {
      const w = world();
      thingServer(w);
      const interceptors = [retrying({ clock: w.clock, random: () => 0.5 })];
      const some = upgrading(w.bus, 3, reason);
      const answered = thingClient({ ...w, bus: some.bus }, { interceptors }).make({ name: "a" });
      await w.clock.advance(1_000);
      expect((await answered).thing.id).to.equal("t1");
      expect(some.asked).to.have.length(4);
      const all = upgrading(w.bus, 1_000, reason);
      const refused = thingClient({ ...w, bus: all.bus }, { interceptors })
        .make({ name: "a" })
        .catch((error: unknown) => error);
      await w.clock.advance(1_000);
      expect(await refused).to.include({ reason });
      expect(all.asked).to.have.length(1 + wireLimits.olderServerRetriesMax);
    });

  it("a misspelt field is the client's own mistake: refused before it is sent, and not repeated", async () => {
    const w = world();
    const never = upgrading(w.bus, 1_000, "unknownField");
    const interceptors = [retrying({ clock: w.clock, random: () => 0.5 })];
    const misspelt = { name: "a", knd: "round" };
    const refused = await thingClient({ ...w, bus: never.bus }, { interceptors })
      .make(misspelt)
      .catch((error: unknown) => error);
    expect(refused).to.include({ reason: "unknownField" });
    expect(never.asked).to.deep.equal([]);
  });

  const states = (words: readonly string[]) =>
    service({
      noun: "thing",
      version: "1.0.0",
      summary: "Things in states.",
      methods: {
        get: method({
          request: request({}),
          answer: answer({ states: Type.Array(nullable(literals(words))), size: Count }),
          target: "entity",
          audience: "project",
          mutates: false,
          summary: "Shows.",
        }),
      },
    });

  it("an older client is handed words of an answer that it does not know, and unknown fields with them", async () => {
    const w = world();
    const binding = commandBinding(cell);
    const get = async () => ({ states: ["on", "asleep", null], size: 1, more: true });
    createServer({ ...w, binding, services: [implement(states(["on", "asleep"]), { get })] });
    const client = createClient(states(["on"]), { ...w, binding, projectOf: () => "demo" });
    expect(await client.get("t1", {})).to.deep.equal({ states: ["on", "asleep", null], size: 1, more: true });
  });

  it("a reason that its reader does not know keeps its code, text and next step", () => {
    const body = { reason: "moonTooFull", message: "Not tonight.", next: "Wait.", retryAfterMs: 5 };
    const headers = {
      "Novact-Code": "UNAVAILABLE",
      "Novact-Reason": "moonTooFull",
      "Nats-Service-Error": "Not.",
    };
    const error = errorOf(headers, { error: { ...body, code: "UNAVAILABLE" } });
    expect(error).to.include({
      code: "UNAVAILABLE",
      reason: "internal",
      message: "Not tonight.",
      retryAfterMs: 5,
    });
    expect(error?.toBody().next).to.equal("Wait.");
    expect(errorOf(headers, {})).to.include({ code: "UNAVAILABLE", message: "Not." });
    expect(errorOf(headers, { error: { ...body, code: "ODD" } })).to.include({ code: "INTERNAL" });
  });
});
