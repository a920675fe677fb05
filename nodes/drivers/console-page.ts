/**
 * One page of a console's log: pure arithmetic on bytes and positions, independent of how the log is kept. A
 * position is a byte's distance from the guest's first byte. Only the last driverLimits.consoleLogBytesMax
 * bytes can be read, trimmed already or not. The guest may write any bytes: a page must never cut a UTF-8
 * sequence, nor grow over its limit when it is encoded.
 */
import type { ConsolePage } from "../../actors/ports/consoles.ts";
import { driverLimits } from "./limits.ts";

/** A console's log, independent of how it is kept. */
export interface ConsoleBytes {
  readonly size: number;
  read(start: number, end: number): Promise<Buffer>;
}

export interface ConsoleStart {
  readonly offset?: number;
  readonly tailLines?: number;
}

/** One page of the kept log: from a position, or the last lines. */
export async function readConsolePage(log: ConsoleBytes, from: ConsoleStart): Promise<ConsolePage> {
  const { size } = log;
  const first = Math.max(0, size - driverLimits.consoleLogBytesMax);
  const page = driverLimits.consolePageBytesMax;
  const tail = from.tailLines;
  const wanted =
    tail === undefined ? (from.offset ?? 0) : await startOfTail(log, { first, size, lines: tail });
  const start = Math.min(size, Math.max(first, wanted));
  const bytes = await log.read(start, Math.min(size, start + page));
  // A position that an earlier page answered never points into a sequence; a position after trimming, or an
  // invented one, may.
  const skipped = start === first || start !== from.offset ? continuationBytes(bytes) : 0;
  const kept = fitting(bytes.subarray(skipped));
  const offset = start + skipped;
  const nextOffset = offset + kept.bytes;
  const end = offset + wholeLength(bytes.subarray(skipped));
  return { text: kept.text, offset, nextOffset, more: nextOffset < end || start + bytes.length < size };
}

/**
 * The position at which the last lines begin: half a page before the end of the log at most, because text
 * grows when it is encoded, and the page must hold the log's end.
 */
async function startOfTail(
  log: ConsoleBytes,
  range: { readonly first: number; readonly size: number; readonly lines: number },
): Promise<number> {
  const from = Math.max(range.first, range.size - driverLimits.consolePageBytesMax / 2);
  const bytes = await log.read(from, range.size);
  if (range.lines === 0) return range.size;
  let found = 0;
  // The newline at the very end closes the last line; it does not begin another.
  for (let index = bytes.length - 2; index >= 0; index--) {
    if (bytes[index] !== newline) continue;
    found += 1;
    if (found === range.lines) return from + index + 1;
  }
  return from;
}

const newline = 0x0a;

/** The number of bytes at the front that belong to a sequence that began before. */
function continuationBytes(bytes: Buffer): number {
  let count = 0;
  while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;
  return count;
}

/**
 * The length without an unfinished sequence at the end, whose other bytes are still to come, or on the next
 * page.
 */
function wholeLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back && byte < 0xf8 ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/**
 * The longest beginning of the bytes whose text stays within a page when it is written as JSON, where a
 * control character takes six bytes.
 */
function fitting(bytes: Buffer): { readonly text: string; readonly bytes: number } {
  const encodedMax = driverLimits.consolePageBytesMax;
  for (let length = bytes.length; ; ) {
    const whole = wholeLength(bytes.subarray(0, length));
    const text = bytes.subarray(0, whole).toString("utf8");
    const encoded = Buffer.byteLength(JSON.stringify(text));
    if (encoded <= encodedMax) return { text, bytes: whole };
    length = Math.min(length - 16, Math.trunc((length * encodedMax) / encoded));
  }
}
