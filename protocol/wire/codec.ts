/**
 * Bytes to values and back. A body is one JSON object or one msgpack map, told apart by its first byte: what
 * does not begin as a msgpack map does is JSON, whatever it is. The answer goes back in the form of the
 * question.
 *
 * Bodies are hostile: size, depth and every length are checked before anything is allocated, and no part of a
 * body is ever repeated in an error. Whether a body makes sense is the question of validate.ts.
 */
import { Decoder, Encoder } from "@msgpack/msgpack";
import { wireLimits } from "../limits/wire.ts";
import { type Problem, scanJson, scanMsgpack } from "./scan.ts";
import { StatusError } from "./status.ts";
import { wellFormed } from "./text.ts";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

export type Encoding = "json" | "msgpack";
export type Body = Readonly<Record<string, unknown>>;

/** The scan bounds what the decoder allocates; the decoder's own limits are the second line of defence. */
const decoder = new Decoder({
  maxStrLength: wireLimits.stringBytesMax,
  maxBinLength: wireLimits.stringBytesMax,
  maxArrayLength: wireLimits.arrayLengthMax,
  maxMapLength: wireLimits.mapLengthMax,
  maxExtLength: 0,
});
const encoder = new Encoder({ ignoreUndefined: true });

/** The encoding of a body, by its first byte; an empty body counts as JSON. */
export function encodingOf(body: Uint8Array): Encoding {
  const first = body[0] ?? 0;
  const beginsMap = (first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf;
  return beginsMap ? "msgpack" : "json";
}

/** What some programs write before a text, in UTF-8 and in the two forms of UTF-16. */
const byteOrderMarks = [
  [0xef, 0xbb, 0xbf],
  [0xfe, 0xff],
  [0xff, 0xfe],
];

/** The refusal of a body whose first byte begins neither of the two forms. */
function foreign(body: Uint8Array): StatusError {
  const isMarked = byteOrderMarks.some((mark) => mark.every((byte, at) => body[at] === byte));
  const what = isMarked
    ? "begins with a byte order mark: send the JSON object alone, in UTF-8"
    : "begins neither as a JSON object nor as a msgpack map does";
  return new StatusError("malformedBody", `The body ${what}.`);
}

/**
 * Decodes a client's request of at most `bytesMax` bytes. An empty body is an empty map.
 * @throws INVALID_ARGUMENT malformedBody, bodyTooLarge, bodyTooDeep, tooManyValues
 */
export function decodeRequest(body: Uint8Array, bytesMax: number = wireLimits.bodyBytesMax): Body {
  // A report of a host may be as large as an answer, and has as many values.
  const valuesMax =
    bytesMax > wireLimits.bodyBytesMax ? wireLimits.answerValuesMax : wireLimits.bodyValuesMax;
  return decode(body, { bytesMax, valuesMax, refuseNul: true });
}

/**
 * Decodes an answer or event. It may be longer than a request, and its strings may hold the NUL characters of
 * a guest. @throws as decodeRequest
 */
export function decodeAnswer(body: Uint8Array): Body {
  const { answerBytesMax: bytesMax, answerValuesMax: valuesMax } = wireLimits;
  return decode(body, { bytesMax, valuesMax, refuseNul: false });
}

/**
 * Encodes a body; fields that are undefined are left out. The value must be plain: no Map, Date or class
 * instance. Half of a surrogate pair becomes U+FFFD: msgpack cannot hold it, and few readers of JSON can.
 */
export function encodeBody(value: unknown, encoding: Encoding): Uint8Array {
  if (encoding === "msgpack") return encoder.encode(wellFormed(value));
  const text = JSON.stringify(value);
  // JSON writes it as an escape; few other texts look like one, and they only cost a second look.
  return encodeUtf8(text.includes("\\ud") ? JSON.stringify(wellFormed(value)) : text);
}

function decode(
  body: Uint8Array,
  options: { bytesMax: number; valuesMax: number; refuseNul: boolean },
): Body {
  if (body.length === 0) return {};
  if (body.length > options.bytesMax) {
    throw new StatusError(
      "bodyTooLarge",
      `The body has ${body.length} bytes; at most ${options.bytesMax} are taken.`,
    );
  }
  const { valuesMax, refuseNul } = options;
  const scan = { depthMax: wireLimits.bodyDepthMax, valuesMax, refuseNul };
  const encoding = encodingOf(body);
  if (encoding === "json" && (body[0] ?? 0) >= 0x80) throw foreign(body);
  const problem = encoding === "msgpack" ? scanMsgpack(body, scan) : scanJson(body, scan);
  if (problem !== undefined) throw refusal(problem, encoding, valuesMax);
  const value = encoding === "msgpack" ? parseMsgpack(body) : parseJson(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new StatusError(
      "malformedBody",
      "The body is not a map of fields (a JSON object or a msgpack map).",
    );
  }
  return value as Body;
}

const sentences: Readonly<Record<Exclude<Problem, "tooDeep" | "tooMany">, string>> = {
  truncated: "ends before what it announces",
  trailing: "has bytes after its end",
  extension: "holds an extension type, which no method takes",
  keyNotString: "has a key that is not a string",
  neverUsed: "holds the byte 0xc1, which means nothing",
  notUtf8: "holds a string that is not UTF-8",
  nulCharacter: "holds a string with a NUL character",
};

function refusal(problem: Problem, encoding: Encoding, valuesMax: number): StatusError {
  if (problem === "tooMany") {
    return new StatusError("tooManyValues", `The body has more than ${valuesMax} keys and values.`);
  }
  if (problem === "tooDeep") {
    return new StatusError(
      "bodyTooDeep",
      `The body nests deeper than ${wireLimits.bodyDepthMax} levels of maps and arrays.`,
    );
  }
  return malformed(encoding, sentences[problem]);
}

function malformed(encoding: Encoding, what: string, cause?: unknown): StatusError {
  const form = encoding === "json" ? "JSON" : "msgpack";
  return new StatusError("malformedBody", `The ${form} body ${what}.`, { cause });
}

function parseMsgpack(body: Uint8Array): unknown {
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw malformed("msgpack", "cannot be decoded (a length beyond the limits, or a forbidden key)", cause);
  }
}

function parseJson(body: Uint8Array): unknown {
  const text = decodeUtf8(body);
  if (text === undefined) throw malformed("json", sentences.notUtf8);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed("json", `is not JSON${positionIn(cause)}`, cause);
  }
  // The key __proto__, written plainly or as an escape, would vanish at the first copy, after it was
  // validated.
  if ((text.includes("__proto__") || text.includes("\\u005")) && hasPrototypeKey(value)) {
    throw malformed("json", "has the key __proto__, which no map may have");
  }
  return value;
}

/** The position in the parser's error, and nothing else: its text repeats parts of the body. */
function positionIn(cause: unknown): string {
  const found = cause instanceof Error ? /position (\d+)/.exec(cause.message) : null;
  return found === null ? "" : ` (at character ${found[1]})`;
}

/** Whether any map in the value has the key __proto__. The scan has bounded the depth. */
function hasPrototypeKey(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasPrototypeKey);
}
