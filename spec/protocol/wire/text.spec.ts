/**
 * Texts of clients: what no text may hold is refused at every place of every method, ours and a plug-in's, in
 * both forms of a body and by the SDK; names that are given are held to more.
 */
import { encode } from "@msgpack/msgpack";
import { expect } from "chai";
import fc from "fast-check";
import { instanceService } from "../../../protocol/instance.ts";
import { commandBinding } from "../../../protocol/wire/binding.ts";
import { createClient } from "../../../protocol/wire/client.ts";
import { decodeAnswer, encodeBody } from "../../../protocol/wire/codec.ts";
import { composing } from "../../../protocol/wire/composed.ts";
import { createServer, type Implementation } from "../../../protocol/wire/server.ts";
import type { Method, Service } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { commandSubject } from "../../../protocol/wire/subjects.ts";
import {
  legible,
  marked,
  nameProblem,
  seenJson,
  textFault,
  wellFormed,
} from "../../../protocol/wire/text.ts";
import { validatorOf } from "../../../protocol/wire/validate.ts";
import { clientServices } from "../../support/all-services.ts";
import { createMemoryBus } from "../../support/memory-bus.ts";
import { sampleOf } from "../../support/samples.ts";
import { SimulatedClock } from "../../support/simulated-clock.ts";
import { requestWith, textPlaces } from "../../support/text-places.ts";
import { flagService, noteService, windowService } from "../../support/toy-services.ts";
import { cell, countingIds, rememberingLog } from "../../support/wire-world.ts";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

const known: readonly Service[] = [...clientServices, flagService, noteService, windowService];
const methods = known.flatMap((service) =>
  Object.entries<Method>(service.methods).map(([name, method]) => ({ service, name, method })),
);
const places = methods.flatMap(({ service, name, method }) =>
  textPlaces(method.request).map((place) => ({ service, name, method, place })),
);

const between = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((code) => String.fromCodePoint(code));
/** A character of each class that no text may hold. NUL is refused before, by the scan of a body. */
const forbidden = fc.oneof(
  between(0x01, 0x08),
  between(0x0e, 0x1f),
  between(0x7f, 0x9f),
  fc.constantFrom("\u000b", "\u000c", "\u2028", "\u2029", "\ufeff", "\u061c", "\u200e", "\u200f"),
  between(0x202a, 0x202e),
  between(0x2066, 0x2069),
  between(0xfdd0, 0xfdef),
  fc.constantFrom("\ufffe", "\uffff", "\u{1fffe}", "\u{10ffff}"),
  between(0xd800, 0xdfff),
);
const words = fc.string({ unit: fc.constantFrom("a", "B", "7", "-", "_", "é", "語"), maxLength: 3 });
const spoilt = fc.tuple(words, forbidden, words).map((parts) => parts.join(""));

/** A server of every method; a handler that is reached says so. */
function world() {
  const clock = new SimulatedClock();
  const bus = createMemoryBus({ clock });
  const reached = async () => {
    throw new StatusError("internal", "The handler was reached.");
  };
  const services = known.map((service): Implementation => {
    const handlers = Object.keys(service.methods).map((name) => [name, reached] as const);
    return { service, handlers: Object.fromEntries(handlers) };
  });
  // A server for each question: budgets and shares are not what is tried here.
  const ask = async (method: (typeof methods)[number], body: Uint8Array) => {
    const server = createServer({
      ...{ bus, clock, services, binding: commandBinding(cell), discoverable: false },
      ...{ ids: countingIds("server"), log: rememberingLog() },
    });
    const id = method.method.target === "entity" ? "some-id" : "";
    const subject = commandSubject(cell, "admin", method.service.noun, method.name, id);
    const answer = await bus.request(subject, { body, headers: {} }, 60_000);
    await server.drain();
    return decodeAnswer(answer.body).error as { readonly reason: string; readonly message: string };
  };
  const client = (service: Service) =>
    createClient(service, {
      ...{ bus, clock, binding: commandBinding(cell), ids: countingIds("client") },
      projectOf: () => "admin",
      interceptors: [composing],
    }) as Readonly<Record<string, (...parts: unknown[]) => Promise<unknown>>>;
  return { bus, clock, ask, client };
}

describe(`texts of clients (seed ${seed})`, () => {
  it("are at some dozens of places", () => {
    expect(places.length).to.be.greaterThan(60);
    expect(new Set(places.map(({ service }) => service.noun)).size).to.be.greaterThan(8);
  });

  it("are refused at every place of every method when they hold what no text may, in both forms", async function () {
    this.timeout(120_000);
    const { ask } = world();
    for (const { place, ...method } of places)
      await fc.assert(
        fc.asyncProperty(spoilt, async (text) => {
          const request = requestWith(method.method.request, place, text);
          const json = await ask(method, Buffer.from(JSON.stringify(request)));
          expect(json.reason, JSON.stringify(request)).to.equal("malformedText");
          expect(json.message).to.match(/^The (field|body) .*(hold)/);
          const msgpack = await ask(method, encode(request));
          // Half a surrogate pair is not UTF-8, and a body that is not cannot be decoded.
          const isUtf8 = text.isWellFormed();
          expect(msgpack.reason).to.equal(isUtf8 ? "malformedText" : "malformedBody");
          for (const { message } of [json, msgpack]) expect(message).not.to.match(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        }),
        { seed, numRuns: 4 },
      );
  });

  it("are refused by the client itself, before anything is sent", async () => {
    const { client } = world();
    for (const { place, service, name, method } of places) {
      const [text] = fc.sample(spoilt, { seed, numRuns: 1 });
      const request = requestWith(method.request, place, text ?? "");
      const call = client(service)[name];
      const sent = method.target === "entity" ? call?.("some-id", request) : call?.(request);
      const error = await sent?.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error, `${service.noun}.${name}`).to.include({ reason: "malformedText" });
    }
  });

  it("may be in any script, with joiners, tabs and lines", () => {
    const texts = [
      "Ünïcode",
      "日本語　です",
      "نمی‌خواهم",
      "👩‍💻 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
      "a\tb\r\nc",
      "e\u0301",
      "\ue000",
      "\ufffd",
      "",
    ];
    for (const text of texts) expect(textFault({ [text]: [text] }), text).to.equal(undefined);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        fc.pre(!/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\p{Noncharacter_Code_Point}\ufeff]/u.test(text));
        expect(textFault(text)).to.equal(undefined);
      }),
      { seed, numRuns: 500 },
    );
  });

  it("name the field and the character, and nothing of the text", () => {
    expect(textFault({ metadata: { role: "secret\u202e" } })).to.deep.equal({
      field: "metadata.role",
      problem: "holds the character U+202E, which changes the direction of writing, which no text may hold",
    });
    expect(textFault({ tags: ["a", { "k\ud801": "v" }] })).to.deep.equal({
      field: "tags.1",
      problem: "has a key with half of a surrogate pair (U+D801), which no key may hold",
    });
  });
});

describe(`names that are given (seed ${seed})`, () => {
  const given = methods.filter(({ method }) => method.request.properties?.name?.given !== undefined);

  it("are those of every method that makes something with a name, or changes it", () => {
    const making = methods.filter(({ method }) => method.mutates && method.request.properties?.name);
    expect(making.length).to.be.greaterThan(8);
    expect(given.map(({ service, name }) => `${service.noun}.${name}`)).to.include.members(
      making.map(({ service, name }) => `${service.noun}.${name}`),
    );
  });

  const invisible = fc.oneof(
    fc.constantFrom("\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u034f", "\u115f", "\u3164", "\u2800"),
    between(0xfe00, 0xfe0f),
    between(0xe0020, 0xe007e),
    fc.constantFrom("\u00a0", "\u2003", "\u3000", "\t", "\n"),
  );

  it("hold nothing that nobody sees, and no other space than that of the keyboard", () => {
    for (const { service, name, method } of given)
      fc.assert(
        fc.property(fc.tuple(words, invisible, words), (parts) => {
          const request = { ...sampleOf(method.request), name: parts.join("") };
          expect(validatorOf(method.request).accepts(request), `${service.noun}.${name}`).to.equal(false);
        }),
        { seed, numRuns: 20 },
      );
  });

  const wrong: readonly (readonly [string, string])[] = [
    [" a", "begins or ends with a space"],
    ["a ", "begins or ends with a space"],
    ["a\u00a0b", "holds the character U+00A0, which looks like a space"],
    ["a\u200bb", "holds the invisible character U+200B"],
    ["\u0301a", "begins with a mark that belongs to the letter before it"],
    ["01990a7c-0000-7000-8000-00000000000A", "has the form of an id"],
    ["cafe\u0301", "send it composed"],
  ];
  for (const [name, problem] of wrong)
    it(`are refused: ${JSON.stringify(name)} ${problem}`, () => {
      expect(nameProblem(name, "name")).to.include(problem);
      const create = validatorOf(instanceService.methods.create.request);
      expect(create.explain({ name, flavor: "tiny", image: "tiny" })).to.match(/^The field name /);
      expect(create.explain({ name, flavor: "tiny", image: "tiny" })).to.include(problem);
    });

  it("may be words in any script; an id is the name of nothing, but may be a key", () => {
    for (const name of ["web 1", "café", "Ünïcode", "日本語", "हिन्दी", "🚀", "a.b_c-d", "½"])
      expect(nameProblem(name, "name"), name).to.equal(undefined);
    expect(nameProblem("01990a7c-0000-7000-8000-000000000001", "key")).to.equal(undefined);
    const create = validatorOf(instanceService.methods.create.request);
    const sound = { name: "web", flavor: "tiny", image: "tiny" };
    expect(create.explain({ ...sound, metadata: { "k\u200b": "v" } })).to.equal(
      "The field metadata has a key that holds the invisible character U+200B, which no name may hold.",
    );
  });

  it("reach the server composed, however they were typed; so do names that are looked for", async () => {
    const { bus, client } = world();
    const bodies: string[] = [];
    bus.serve("novact.v1.test.cmd.>", undefined, async (_, { body }) => {
      bodies.push(Buffer.from(body).toString());
      return { body: encodeBody({}, "json"), headers: {} };
    });
    const api = client(instanceService);
    const apart = "cafe\u0301";
    await api.create?.({ name: apart, flavor: "tiny", image: "tiny" }).catch(() => undefined);
    await api.list?.({ name: apart, names: [apart], namePattern: `${apart}*` }).catch(() => undefined);
    expect(bodies).to.have.length(2);
    expect(bodies.join("")).to.include("caf\u00e9").and.not.to.include(apart);
  });
});

describe(`texts that are shown (seed ${seed})`, () => {
  const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
  const anything = fc.string({
    unit: fc.oneof(forbidden, fc.constantFrom("a", "\u200b", "🚀", "é", " ", "\n")),
  });

  it("hold nothing that steers or cannot be seen, and are never cut in the middle of a character", () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 1, max: 20 }), (text, lengthMax) => {
        expect(marked(text)).not.to.match(unseen);
        expect(legible(text, lengthMax)).not.to.match(unseen);
        expect(legible(text, lengthMax).length).to.be.most(lengthMax + 1);
      }),
      { seed, numRuns: 500 },
    );
    expect(legible("a🚀", 2)).to.equal("a…");
  });

  it("are the same in JSON that can be looked at", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const json = seenJson(JSON.stringify({ [text]: text }));
        expect(json).not.to.match(unseen);
        expect(JSON.parse(json)).to.deep.equal({ [text]: text });
      }),
      { seed, numRuns: 500 },
    );
  });

  it("can be read by everybody, whatever they were cut from: an answer holds no half of a pair", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const value = { [text]: [text, { text }], count: 1, nothing: null };
        for (const encoding of ["json", "msgpack"] as const) {
          const read = decodeAnswer(encodeBody(value, encoding));
          expect(read).to.deep.equal(wellFormed(value));
          expect(JSON.stringify(read)).not.to.match(/\\ud[89a-f]/);
        }
      }),
      { seed, numRuns: 300 },
    );
    const sound = { a: ["b", { c: null }] };
    expect(wellFormed(sound)).to.equal(sound);
  });
});
