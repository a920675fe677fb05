/**
 * The codec: values survive a round trip, bad bodies are refused with a reason, and no body can hurt its
 * reader.
 */
import { encode } from "@msgpack/msgpack";
import type { TSchema } from "@sinclair/typebox";
import { expect } from "chai";
import fc from "fast-check";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import {
  decodeAnswer,
  decodeRequest,
  type Encoding,
  encodeBody,
  encodingOf,
} from "../../../protocol/wire/codec.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { allServices } from "../../support/all-services.ts";
import { bombs } from "../../support/bombs.ts";

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

/** The reason of a refusal; any other error is a defect. */
function reasonOf(body: Uint8Array): string {
  try {
    decodeRequest(body);
    return "taken";
  } catch (error) {
    if (error instanceof StatusError) return error.reason;
    throw error;
  }
}

const json = (text: string) => Buffer.from(text, "utf8");

describe(`codec (seed ${seed})`, () => {
  for (const encoding of ["json", "msgpack"] satisfies Encoding[]) {
    it(`brings every plain value back as it was, in ${encoding}`, () => {
      const key = fc.string({ maxLength: 12 }).filter((text) => text !== "__proto__" && !text.includes("\0"));
      const leaf = fc.oneof(
        fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !text.includes("\0")),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
        fc.boolean(),
        fc.constant(null),
      );
      const { body } = fc.letrec((tie) => ({
        value: fc.oneof(
          { maxDepth: 6, withCrossShrink: true },
          leaf,
          fc.array(tie("value"), { maxLength: 5 }),
          fc.dictionary(key, tie("value"), { maxKeys: 5, noNullPrototype: true }),
        ),
        body: fc.dictionary(key, tie("value"), { maxKeys: 8, noNullPrototype: true }),
      }));
      fc.assert(
        fc.property(body, (value) => {
          const bytes = encodeBody(value, encoding);
          expect(encodingOf(bytes)).to.equal(encoding);
          expect(decodeRequest(bytes)).to.deep.equal(value);
        }),
        { seed, numRuns: 300 },
      );
    });
  }

  it("leaves out what is undefined, in both forms", () => {
    const value = { a: undefined, b: { c: undefined, d: 1 } };
    for (const encoding of ["json", "msgpack"] satisfies Encoding[]) {
      expect(decodeRequest(encodeBody(value, encoding))).to.deep.equal({ b: { d: 1 } });
    }
  });

  it("takes an empty body as an empty map, and white space before JSON", () => {
    expect(decodeRequest(new Uint8Array())).to.deep.equal({});
    expect(decodeRequest(json(' \r\n\t{"a":1}\n'))).to.deep.equal({ a: 1 });
  });

  const refused: readonly [string, Uint8Array, string][] = [
    ["an array", json("[1]"), "malformedBody"],
    ["a string", json('"a"'), "malformedBody"],
    ["null", json("null"), "malformedBody"],
    ["white space alone", json("   "), "malformedBody"],
    ["half a JSON object", json('{"a":'), "malformedBody"],
    ["two JSON objects", json("{}{}"), "malformedBody"],
    ["JSON with a comment", json("{/**/}"), "malformedBody"],
    ["a byte order mark", Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), "malformedBody"],
    ["JSON that is not UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), "malformedBody"],
    ["a NUL character in JSON", json('{"a":"\\u0000"}'), "malformedBody"],
    ["a NUL character in msgpack", encode({ a: "\0" }), "malformedBody"],
    ["the key __proto__ in JSON", json('{"a":{"__proto__":{}}}'), "malformedBody"],
    ["the key __proto__ as an escape", json('{"\\u005f_proto__":{}}'), "malformedBody"],
    ["the key __proto__ in msgpack", Uint8Array.of(0x81, 0xa9, ...json("__proto__"), 0x80), "malformedBody"],
    ["a byte order mark of UTF-16", Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0), "malformedBody"],
    ["a msgpack array", encode([1]), "malformedBody"],
    ["a msgpack number", encode(-5), "malformedBody"],
    ["a msgpack map cut short", encode({ name: "web" }).subarray(0, 5), "malformedBody"],
    ["a msgpack map with more after it", Uint8Array.of(0x80, 0x80), "malformedBody"],
    ["a msgpack map with a number for a key", Uint8Array.of(0x81, 0x01, 0x01), "malformedBody"],
    ["a msgpack extension", encode({ a: new Date(0) }), "malformedBody"],
    ["the byte that msgpack never uses", Uint8Array.of(0x81, 0xa1, 0x61, 0xc1), "malformedBody"],
    ["msgpack that is not UTF-8", Uint8Array.of(0x81, 0xa1, 0x61, 0xa1, 0xff), "malformedBody"],
  ];
  for (const [what, body, reason] of refused) {
    it(`refuses ${what}`, () => expect(reasonOf(body)).to.equal(reason));
  }

  it("takes a NUL character in an answer: a guest may have written it", () => {
    expect(decodeAnswer(json('{"text":"a\\u0000b"}'))).to.deep.equal({ text: "a\0b" });
  });

  it("takes a backslash before a quote, and u0000 that is no escape", () => {
    const value = { a: 'x\\"u0000', b: "\\u0000", '"': "[{" };
    expect(decodeRequest(encodeBody(value, "json"))).to.deep.equal(value);
  });

  it("takes exactly the largest body and the deepest nest that the limits name", () => {
    const largest = encodeBody({ a: "x".repeat(wireLimits.bodyBytesMax - 8) }, "json");
    expect(largest.length).to.equal(wireLimits.bodyBytesMax);
    expect(reasonOf(largest)).to.equal("taken");
    expect(reasonOf(Buffer.concat([largest, json(" ")]))).to.equal("bodyTooLarge");
    for (const encoding of ["json", "msgpack"] satisfies Encoding[]) {
      const nest = (depth: number): unknown => (depth === 0 ? 1 : { a: nest(depth - 1) });
      expect(reasonOf(encodeBody(nest(wireLimits.bodyDepthMax), encoding))).to.equal("taken");
      expect(reasonOf(encodeBody(nest(wireLimits.bodyDepthMax + 1), encoding))).to.equal("bodyTooDeep");
    }
  });

  it("counts keys and values of all levels, and takes exactly as many as the limits name", () => {
    for (const encoding of ["json", "msgpack"] satisfies Encoding[]) {
      // The map, two keys and two arrays beside the elements.
      const of = (elements: number) =>
        encodeBody({ a: Array(1_000).fill(0), b: Array(elements).fill({}) }, encoding);
      const left = wireLimits.bodyValuesMax - 1_005;
      // In JSON an empty map counts as one with an element.
      expect(reasonOf(of(encoding === "json" ? Math.floor(left / 2) : left))).to.equal("taken");
      expect(reasonOf(of(left + 1))).to.equal("tooManyValues");
    }
  });

  it("bounds lists and maps of an answer, which may have many values", () => {
    const list = (length: number) => encodeBody({ a: Array(length).fill(0) }, "msgpack");
    const map = (keys: number) =>
      encodeBody(Object.fromEntries(Array.from({ length: keys }, (_, key) => [`k${key}`, 0])), "msgpack");
    for (const make of [list, map]) {
      const most = make === list ? wireLimits.arrayLengthMax : wireLimits.mapLengthMax;
      expect(Object.keys(decodeAnswer(make(most)))).to.not.have.length(0);
      expect(() => decodeAnswer(make(most + 1)))
        .to.throw(StatusError)
        .with.property("reason", "malformedBody");
    }
  });

  it("has room for whatever a client's request may hold by its schema", () => {
    const largest = allServices
      .filter(({ peers }) => peers !== true)
      .flatMap(({ noun, methods }) =>
        Object.entries(methods).map(([name, { request }]) => [valuesIn(request), `${noun}.${name}`] as const),
      )
      .sort(([left], [right]) => right - left);
    expect(largest[0]?.[0], largest[0]?.[1]).to.be.at.most(wireLimits.bodyValuesMax);
    expect(largest[0]?.[0]).to.be.above(400);
  });

  it("never repeats a part of the body in a refusal", () => {
    for (const text of ['{"password":"hunter2"', '{"hunter2": hunter2}', '["hunter2"]']) {
      try {
        decodeRequest(json(text));
        expect.fail("was taken");
      } catch (error) {
        expect(String(error)).to.not.include("hunter2");
      }
    }
  });

  it("answers any bytes with a value or a coded refusal", () => {
    const headed = fc
      .tuple(fc.constantFrom(0x7b, 0x80, 0x81, 0x8f, 0xde, 0xdf), fc.uint8Array({ maxLength: 400 }))
      .map(([head, rest]) => Uint8Array.of(head, ...rest));
    fc.assert(
      fc.property(headed, (body) => {
        expect(reasonOf(body)).to.be.oneOf(["taken", "malformedBody", "bodyTooDeep", "tooManyValues"]);
      }),
      { seed, numRuns: 3_000 },
    );
  });

  it("answers a sound body with one byte changed with a value or a coded refusal", () => {
    const sound = {
      name: "web",
      flavor: "small",
      metadata: { a: "ü", b: "✓" },
      list: [1, 2.5, true, null, -7],
    };
    fc.assert(
      fc.property(fc.boolean(), fc.nat(), fc.nat(255), (asJson, at, byte) => {
        const body = Uint8Array.from(encodeBody(sound, asJson ? "json" : "msgpack"));
        body[at % body.length] = byte;
        expect(reasonOf(body)).to.be.oneOf(["taken", "malformedBody", "bodyTooDeep", "tooManyValues"]);
      }),
      { seed, numRuns: 3_000 },
    );
  });
});

/** The most keys and values that the schema takes. A list or map without a bound has no end. */
function valuesIn(schema: TSchema): number {
  const sum = (parts: readonly TSchema[]) => parts.reduce((all, part) => all + valuesIn(part), 0);
  if (Array.isArray(schema.anyOf)) return Math.max(...schema.anyOf.map(valuesIn));
  if (schema.type === "array")
    return 1 + (schema.maxItems ?? Number.POSITIVE_INFINITY) * valuesIn(schema.items);
  if (schema.type !== "object") return 1;
  const fields: TSchema[] = Object.values(schema.properties ?? {});
  const [pattern]: TSchema[] = Object.values(schema.patternProperties ?? {});
  if (pattern === undefined) return 1 + fields.length + sum(fields);
  return 1 + (schema.maxProperties ?? Number.POSITIVE_INFINITY) * (1 + valuesIn(pattern));
}

describe("codec: bombs", () => {
  for (const { name, body, reason } of bombs) {
    it(`refuses ${name} (${body.length} bytes) quickly and without taking memory`, () => {
      const beforeBytes = process.memoryUsage().rss;
      const startedMs = performance.now();
      expect(reasonOf(body)).to.equal(reason);
      expect(performance.now() - startedMs).to.be.lessThan(250);
      expect(process.memoryUsage().rss - beforeBytes).to.be.lessThan(64 * 1024 * 1024);
    });
  }
});
