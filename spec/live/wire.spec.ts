/**
 * A hostile client by hand on a real NATS server, against a server of the protocol whose handlers do nothing.
 */
import { encode } from "@msgpack/msgpack";
import { expect } from "chai";
import { connectNats, type NatsBus } from "../../nodes/bus/nats.ts";
import { systemClock, systemIds } from "../../nodes/process/clock.ts";
import { instanceService } from "../../protocol/instance.ts";
import { wireLimits } from "../../protocol/limits/wire.ts";
import { commandBinding } from "../../protocol/wire/binding.ts";
import { decodeAnswer } from "../../protocol/wire/codec.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import type { CallContext } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { bombs } from "../support/bombs.ts";
import { hostileCreates } from "../support/hostile-requests.ts";
import { connectRaw, type RawMessage, type RawNats } from "../support/raw-nats.ts";
import { retainedBytes } from "../support/retained.ts";
import { natsUrl } from "../support/services.ts";
import { cell, type Noted, rememberingLog, thingHandlers, thingService } from "../support/wire-world.ts";

const make = `novact.v1.${cell}.cmd.demo.thing.make`;
const create = `novact.v1.${cell}.cmd.demo.instance.create`;
const reason = ({ headers }: RawMessage) => headers["Novact-Reason"];

describe("the wire, with a client by hand", function () {
  this.timeout(60_000);
  let bus: NatsBus;
  let raw: RawNats;
  let url = "";
  const noted: Noted[] = [];
  const calls: CallContext[] = [];

  before(async function () {
    url = await natsUrl(this);
    bus = await connectNats({ servers: [url], name: "server", log: rememberingLog(noted) });
    const refuse = async () => {
      throw new StatusError("unknownFlavor", "There is no flavor of that name.");
    };
    createServer({
      bus,
      binding: commandBinding(cell),
      services: [
        implement(thingService, thingHandlers(calls)),
        { service: instanceService, handlers: { create: refuse } },
      ],
      clock: systemClock,
      ids: systemIds(0),
      log: rememberingLog(noted),
    });
    raw = await connectRaw(url);
  });
  after(async () => {
    raw.close();
    await bus.close();
  });

  it("answers JSON in JSON and msgpack in msgpack", async () => {
    const inJson = await raw.request(make, '{"name":"web"}', { "Novact-Request-Id": "r-1" });
    expect(JSON.parse(inJson.body.toString())).to.deep.equal({
      thing: { id: "t1", name: "web", project: "demo" },
    });
    expect(inJson.headers).to.deep.equal({});
    const inMsgpack = await raw.request(make, encode({ name: "web" }));
    expect(inMsgpack.body[0]).to.equal(0x81);
    expect(decodeAnswer(inMsgpack.body)).to.deep.equal(JSON.parse(inJson.body.toString()));
  });

  it("puts the error into headers for NATS's tools, and into the body with what to do", async () => {
    const answer = await raw.request(create, '{"name":"web","flavor":"huge","image":"tiny"}');
    expect(answer.headers).to.deep.equal({
      "Nats-Service-Error-Code": "400",
      "Nats-Service-Error": "There is no flavor of that name.",
      "Novact-Code": "INVALID_ARGUMENT",
      "Novact-Reason": "unknownFlavor",
    });
    const { error } = JSON.parse(answer.body.toString());
    expect(error).to.include({ code: "INVALID_ARGUMENT", reason: "unknownFlavor" });
    expect(error.next).to.be.a("string").and.not.equal("");
  });

  for (const { name, body, field, reason: due = "schemaMismatch" } of hostileCreates) {
    it(`refuses a create with ${name}, and names the field`, async () => {
      for (const bytes of [Buffer.from(JSON.stringify(body)), encode(body)]) {
        const answer = await raw.request(create, bytes);
        expect(reason(answer)).to.equal(due);
        expect(answer.headers["Nats-Service-Error"]).to.include(`The field ${field} `);
      }
    });
  }

  for (const bomb of bombs) {
    it(`refuses ${bomb.name}`, async () => {
      expect(reason(await raw.request(make, bomb.body))).to.equal(bomb.reason);
    });
  }

  it("refuses ids with dots and stars, wildcards and strange characters", async () => {
    for (const id of ["a.b", "*", ">", "a*", "a.*.b", "ü", "x".repeat(65), "a/b", "$SYS"]) {
      const answer = await raw.request(`novact.v1.${cell}.cmd.demo.thing.${id}.get`, "{}");
      expect(reason(answer), id).to.equal("malformedSubject");
    }
    expect(reason(await raw.request(`novact.v1.${cell}.cmd.demo.thing.x.y.z.get`, "{}"))).to.equal(
      "malformedSubject",
    );
    expect(reason(await raw.request(`novact.v1.${cell}.cmd.demo`, "{}"))).to.equal("malformedSubject");
  });

  it("refuses a deadline already past, and headers that are none", async () => {
    for (const past of ["0", "-1", "-999999"]) {
      expect(reason(await raw.request(make, '{"name":"a"}', { "Novact-Timeout-Ms": past }))).to.equal(
        "deadlinePast",
      );
    }
    for (const bad of ["", "1e3", "0x10", "1.5", "9".repeat(400), "ten"]) {
      const answer = await raw.request(make, '{"name":"a"}', { "Novact-Timeout-Ms": bad });
      expect(reason(answer), bad).to.equal("malformedHeader");
    }
  });

  it("refuses headers that would cost more to read than they are worth", async () => {
    const flood = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`Header-${at}`, "x"]));
    const startedMs = performance.now();
    expect(reason(await raw.request(make, '{"name":"a"}', flood))).to.equal("malformedHeader");
    expect(performance.now() - startedMs).to.be.lessThan(1_000);
  });

  it("serves on after header blocks that are nonsense", async () => {
    const odd = [
      "NATS/1.0\r\n: \r\n\r\n",
      "NATS/1.0\r\nno colon\r\n\r\n",
      "NATS/1.0\r\nA b:\tc\r\n\r\n",
      "NATS/9 x\r\n\r\n",
    ];
    for (const head of odd)
      raw.write(`HPUB ${make} _INBOX.spec.odd ${head.length} ${head.length + 2}\r\n${head}{}\r\n`);
    expect(reason(await raw.request(make, "{}"))).to.equal("schemaMismatch");
  });

  it("says so when a header's name cannot be one", async () => {
    const answer = await raw.request(make, '{"name":"a"}', { "with space": "x" });
    expect(reason(answer)).to.equal("malformedHeader");
  });

  it("does not execute a message without reply subject: nobody would hear what became of it", async () => {
    raw.publish(make, "{");
    raw.publish(make, '{"name":"published"}');
    const before = calls.length;
    expect(reason(await raw.request(make, '{"name":"asked"}'))).to.equal(undefined);
    expect(calls.length - before, "calls").to.equal(1);
  });

  it("refuses a header of ours that is there twice and says two things, however it is spelt", async () => {
    const before = calls.length;
    for (const [name, one, other] of [
      ["Novact-Timeout-Ms", "5000", "-1"],
      ["Novact-Request-Id", "a", "b"],
    ] as const) {
      const twice = { [name]: one, [name.toLowerCase()]: other };
      const answer = await raw.request(make, '{"name":"a"}', twice);
      expect(reason(answer), name).to.equal("malformedHeader");
      expect(answer.headers["Nats-Service-Error"]).to.include(`${name} is there twice`);
      const same = { [name]: one, [name.toLowerCase()]: one };
      expect(reason(await raw.request(make, '{"name":"a"}', same)), name).to.equal(undefined);
    }
    expect(calls.length - before, "calls").to.equal(2);
  });

  it("answers in JSON what begins as no msgpack map does, and speaks of a byte order mark", async () => {
    const answer = await raw.request(make, Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d));
    expect(JSON.parse(answer.body.toString()).error.message).to.include("begins with a byte order mark");
    for (const first of [0x90, 0xa1, 0xc0, 0xcc, 0xdd, 0xff]) {
      const { body } = await raw.request(make, Uint8Array.of(first, 0x01, 0x01));
      expect(JSON.parse(body.toString()).error, `0x${first.toString(16)}`).to.include({
        reason: "malformedBody",
      });
    }
  });

  it("answers everybody of a burst from many connections", async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectRaw(url)));
    const asked = clients.flatMap((client) =>
      Array.from({ length: 250 }, (_, at) => client.request(make, at % 2 === 0 ? '{"name":"a"}' : "{")),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => reason(answer) === "malformedBody")).to.have.length(1_000);
    for (const client of clients) client.close();
  });

  it("is found and described by the NATS services protocol", async () => {
    const info = JSON.parse((await raw.request("$SRV.INFO.novact-thing", "")).body.toString());
    expect(info.endpoints[0]).to.include({ name: "make", queue_group: "novact" });
    expect(JSON.parse(info.endpoints[0].metadata.request)).to.include({ additionalProperties: false });
    const found: string[] = [];
    raw.subscribe("_INBOX.spec.pings", ({ body }) => found.push(JSON.parse(body.toString()).name));
    raw.write("PUB $SRV.PING _INBOX.spec.pings 0\r\n\r\n");
    for (let wait = 0; wait < 50 && found.length < 2; wait += 1) await raw.request(make, "{");
    expect(found).to.include.members(["novact-thing", "novact-instance"]);
  });

  it("serves as before after all of it, has taken no memory, and blames nothing on itself", async () => {
    // A project of its own for each round: together they are more bytes than one project's budget takes, and
    // what is kept out reaches no decoder.
    const round = async (project: string) => {
      for (const { name, body, reason: due } of bombs)
        expect(reason(await raw.request(make.replace(".demo.", `.${project}.`), body)), name).to.equal(due);
    };
    for (let warm = 0; warm < 3; warm += 1) await round(`warm-${warm}`);
    const beforeBytes = retainedBytes();
    for (let measured = 0; measured < 20; measured += 1) await round(`measured-${measured}`);
    expect(retainedBytes() - beforeBytes).to.be.lessThan(96 * 1024 * 1024);
    expect(JSON.parse((await raw.request(make, '{"name":"web"}')).body.toString()).thing.name).to.equal(
      "web",
    );
    expect(noted.filter(({ level }) => level === "error" || level === "warn")).to.deep.equal([]);
    expect(raw.errors).to.deep.equal([]);
    expect(wireLimits.bodyBytesMax).to.be.lessThan(2 * 1024 * 1024);
  });
});
