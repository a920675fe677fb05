/**
 * Small request bodies that would cost much memory or time if a decoder believed the lengths that they
 * announce.
 */
import { wireLimits } from "../../protocol/limits/wire.ts";
import type { Reason } from "../../protocol/wire/reasons.ts";

export interface Bomb {
  readonly name: string;
  readonly body: Uint8Array;
  readonly reason: Reason;
}

type Part = number | readonly number[] | Uint8Array;
/** Parts one after the other; a spread of so many arguments would overflow the stack. */
const bytes = (...parts: readonly Part[]): Uint8Array =>
  Buffer.concat(
    parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : Uint8Array.from(part))),
  );
const many = (count: number, ...pattern: readonly number[]): Uint8Array => {
  const repeated = Uint8Array.from(pattern);
  return Buffer.alloc(count * repeated.length, repeated);
};
/** Wraps parts as the value of a map's only key. */
const under = (...parts: readonly Part[]): Uint8Array => bytes(0x81, 0xa1, 0x61, ...parts);
const text = (body: string): Uint8Array => Buffer.from(body);

const fourBillion = [0xff, 0xff, 0xff, 0xff] as const;
const full = wireLimits.bodyBytesMax - 64;

export const bombs: readonly Bomb[] = [
  { name: "an array of 4 G elements", body: under(0xdd, fourBillion), reason: "malformedBody" },
  {
    name: "nested arrays of 4 G elements",
    body: under(many(40, 0xdd, 0xff, 0xff, 0xff, 0xff)),
    reason: "malformedBody",
  },
  {
    name: "nested arrays of 8 M elements",
    body: under(many(40, 0xdd, 0, 0x7f, 0xff, 0xff)),
    reason: "malformedBody",
  },
  { name: "a map of 4 G keys", body: bytes(0xdf, fourBillion), reason: "malformedBody" },
  {
    name: "nested maps of 64 k keys",
    body: under(many(40, 0xde, 0xff, 0xff, 0xa1, 0x61)),
    reason: "malformedBody",
  },
  { name: "a string of 4 GB", body: under(0xdb, fourBillion), reason: "malformedBody" },
  { name: "binary data of 4 GB", body: under(0xc6, fourBillion), reason: "malformedBody" },
  { name: "an extension of 4 GB", body: under(0xc9, fourBillion, 1), reason: "malformedBody" },
  {
    name: "arrays of one element, 1,000 deep",
    body: under(many(1_000, 0x91), 0x01),
    reason: "bodyTooDeep",
  },
  { name: "as many arrays as fit", body: under(many(full, 0x91), 0x01), reason: "bodyTooDeep" },
  { name: "as many open brackets as fit", body: text(`{"a":${"[".repeat(full)}`), reason: "bodyTooDeep" },
  { name: "as many open braces as fit", body: text('{"a":'.repeat(full / 5)), reason: "bodyTooDeep" },
  { name: "an array of as many nils as fit", body: wideArray(), reason: "tooManyValues" },
  { name: "a map of as many keys as fit", body: wideMap(), reason: "tooManyValues" },
  { name: "as many keys in JSON as fit", body: manyKeys(), reason: "tooManyValues" },
  {
    name: "as many elements in JSON as fit",
    body: text(`{"a":[${"1,".repeat(full / 2 - 4)}1]}`),
    reason: "tooManyValues",
  },
  { name: "as many empty maps in msgpack as fit", body: manyMaps(), reason: "tooManyValues" },
  { name: "2 MB of spaces", body: text(" ".repeat(2 * 1024 * 1024)), reason: "bodyTooLarge" },
  { name: "2 MB of msgpack", body: under(many(2 * 1024 * 1024, 0xc0)), reason: "bodyTooLarge" },
];

/** Every element is there, but no method takes so many. */
function wideArray(): Uint8Array {
  const length = wireLimits.arrayLengthMax * 10;
  return under(0xdd, 0, length >> 16, (length >> 8) & 255, length & 255, many(length, 0xc0));
}

/** An escape in the first key, so that the whole text is looked through for names that no key may have. */
function manyKeys(): Uint8Array {
  const keys = Array.from({ length: 24_000 }, (_, key) => `"k${key}":0`);
  return text(`{"x":"\\u005f",${keys.join(",")}}`);
}

/** Arrays that are each as long as an array may be. */
function manyMaps(): Uint8Array {
  const inner = [0xdc, 0x46, 0x50] as const;
  return under(0x9d, ...Array.from({ length: 13 }, () => [...inner, ...many(18_000, 0x80)]));
}

function wideMap(): Uint8Array {
  const length = wireLimits.mapLengthMax * 10;
  const keys = Array.from({ length }, (_, key) => [0xa2, 0x30 + (key >> 6), 0x30 + (key & 63), 0xc0]).flat();
  return bytes(0xde, length >> 8, length & 255, keys);
}
