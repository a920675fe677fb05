/**
 * Scans a body before it is decoded: a body that lies about its lengths, nests too deep or holds what no
 * method takes is found in one pass, without allocating what it claims.
 *
 * Source: the MessagePack specification (formats and first bytes), RFC 8259 (JSON). Measured with the decoder
 * used here: 40 bytes of nested array32 headers made it allocate 1.9 GB.
 */
import { decodeUtf8 } from "./utf8.ts";

export type Problem =
  | "truncated"
  | "trailing"
  | "tooDeep"
  | "tooMany"
  | "extension"
  | "keyNotString"
  | "neverUsed"
  | "notUtf8"
  | "nulCharacter";

export interface ScanOptions {
  readonly depthMax: number;
  /** Values and keys of all levels together: decoding and validating cost by them, not by bytes. */
  readonly valuesMax: number;
  /** True: a NUL character in a string is a problem, because PostgreSQL keeps none. */
  readonly refuseNul: boolean;
}

const quote = 0x22;
const backslash = 0x5c;

/**
 * Scans a JSON body for depth, the number of values and NUL characters only; whether it is JSON is the
 * parser's question.
 */
export function scanJson(
  bytes: Uint8Array,
  { depthMax, valuesMax, refuseNul }: ScanOptions,
): Problem | undefined {
  let depth = 0;
  let values = 1;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inString) {
      if (byte === quote) inString = false;
      else if (byte === backslash) {
        if (refuseNul && isEscapedNul(bytes, at + 1)) return "nulCharacter";
        at += 1;
      }
    } else if (byte === quote) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > depthMax) return "tooDeep";
      values += 1;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    // A comma or a colon stands before each further value.
    else if (byte === 0x2c || byte === 0x3a) values += 1;
    if (values > valuesMax) return "tooMany";
  }
  return undefined;
}

/** True when `u0000` follows the backslash. */
function isEscapedNul(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0x75) return false;
  return [1, 2, 3, 4].every((next) => bytes[at + next] === 0x30);
}

/** The meaning of one first byte. */
interface Item {
  readonly kind: "plain" | "string" | "bytes" | "array" | "map" | "extension" | "neverUsed";
  /** Number of bytes after the first that hold the length, or the value of a plain value. */
  readonly width: number;
  /** The length, when the first byte holds it. */
  readonly length: number;
}

/** One entry for every possible first byte, 0 to 255. */
const items: readonly Item[] = Array.from({ length: 256 }, (_, head) => itemOf(head));

function itemOf(head: number): Item {
  if (head < 0x80 || head >= 0xe0) return { kind: "plain", width: 0, length: 0 };
  if (head < 0x90) return { kind: "map", width: 0, length: head - 0x80 };
  if (head < 0xa0) return { kind: "array", width: 0, length: head - 0x90 };
  if (head < 0xc0) return { kind: "string", width: 0, length: head - 0xa0 };
  if (head === 0xc1) return { kind: "neverUsed", width: 0, length: 0 };
  if (head < 0xc4) return { kind: "plain", width: 0, length: 0 };
  if (head < 0xc7) return { kind: "bytes", width: 2 ** (head - 0xc4), length: 0 };
  if (head < 0xca) return { kind: "extension", width: 0, length: 0 };
  if (head < 0xcc) return { kind: "plain", width: head === 0xca ? 4 : 8, length: 0 };
  if (head < 0xd4) return { kind: "plain", width: 2 ** (head & 3), length: 0 };
  if (head < 0xd9) return { kind: "extension", width: 0, length: 0 };
  if (head < 0xdc) return { kind: "string", width: 2 ** (head - 0xd9), length: 0 };
  return { kind: head < 0xde ? "array" : "map", width: head % 2 === 0 ? 2 : 4, length: 0 };
}

/** The problem of a msgpack body, its meaning aside; undefined: it can be decoded without danger. */
export function scanMsgpack(bytes: Uint8Array, options: ScanOptions): Problem | undefined {
  /** Values still to come, per level of nesting; level 0 is the body itself. */
  const left: number[] = [1];
  const isMap: boolean[] = [false];
  let at = 0;
  let values = 0;
  while (left.length > 0) {
    const level = left.length - 1;
    const remaining = left[level] ?? 0;
    if (remaining === 0) {
      left.pop();
      isMap.pop();
      continue;
    }
    left[level] = remaining - 1;
    values += 1;
    if (values > options.valuesMax) return "tooMany";
    const item = items[bytes[at] ?? 0xc1];
    if (at >= bytes.length || item === undefined) return "truncated";
    if (item.kind === "neverUsed" || item.kind === "extension") return item.kind;
    if (isMap[level] && remaining % 2 === 0 && item.kind !== "string") return "keyNotString";
    const length =
      item.kind === "plain" || item.width === 0 ? item.length : lengthAt(bytes, at + 1, item.width);
    at += 1 + item.width;
    if (at > bytes.length || length > bytes.length - at) return "truncated";
    if (item.kind === "array" || item.kind === "map") {
      if (level >= options.depthMax) return "tooDeep";
      left.push(item.kind === "map" ? 2 * length : length);
      isMap.push(item.kind === "map");
    } else if (item.kind === "string" || item.kind === "bytes") {
      const problem = item.kind === "string" ? scanString(bytes, at, at + length, options) : undefined;
      if (problem !== undefined) return problem;
      at += length;
    }
  }
  return at === bytes.length ? undefined : "trailing";
}

function lengthAt(bytes: Uint8Array, at: number, width: number): number {
  let length = 0;
  for (let next = at; next < at + width; next += 1) length = length * 256 + (bytes[next] ?? 0);
  return length;
}

function scanString(bytes: Uint8Array, from: number, to: number, options: ScanOptions): Problem | undefined {
  let ascii = true;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0 && options.refuseNul) return "nulCharacter";
    if (byte > 0x7f) ascii = false;
  }
  return ascii || decodeUtf8(bytes.subarray(from, to)) !== undefined ? undefined : "notUtf8";
}
