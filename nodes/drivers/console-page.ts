/**
 * A page of a console's log: pure arithmetic on bytes and positions, for every way of keeping a log. A
 * position is a byte's distance from the guest's first byte. Only the last limits.consoleLogBytesMax bytes
 * can be read, whether they were trimmed already or not. The guest writes what it likes: a page must never
 * cut a UTF-8 sequence, nor grow over its limit when it is encoded.
 */
import type { ConsolePage } from "../../actors/ports/consoles.ts";
import { limits } from "../../protocol/limits/limits.ts";

/** A console's log, wherever it is kept. */
export interface ConsoleBytes {
  readonly size: number;
  read(start: number, end: number): Promise<Buffer>;
}

export interface ConsoleStart {
  readonly offset?: number;
  readonly tailLines?: number;
}

/** One page of the log: from a position, or the last lines; of what is kept. */
export async function readConsolePage(log: ConsoleBytes, from: ConsoleStart): Promise<ConsolePage> {
  const { size } = log;
  const first = Math.max(0, size - limits.consoleLogBytesMax);
  const page = limits.consolePageBytesMax;
  const tail = from.tailLines;
  const wanted =
    tail === undefined ? (from.offset ?? 0) : await startOfTail(log, { first, size, lines: tail });
  const start = Math.min(size, Math.max(first, wanted));
  const bytes = await log.read(start, Math.min(size, start + page));
  // A position that a page has answered never points into a sequence; one that was trimmed to, or made up,
  // may.
  const skipped = start === first || start !== from.offset ? continuationBytes(bytes) : 0;
  const kept = fitting(bytes.subarray(skipped));
  const offset = start + skipped;
  const nextOffset = offset + kept.bytes;
  const end = offset + wholeLength(bytes.subarray(skipped));
  return { text: kept.text, offset, nextOffset, more: nextOffset < end || start + bytes.length < size };
}

/**
 * Where the last lines begin. Half a page at most: encoded, ordinary text grows, and its end shall be on the
 * page.
 */
async function startOfTail(
  log: ConsoleBytes,
  range: { readonly first: number; readonly size: number; readonly lines: number },
): Promise<number> {
  const from = Math.max(range.first, range.size - limits.consolePageBytesMax / 2);
  const bytes = await log.read(from, range.size);
  if (range.lines === 0) return range.size;
  let found = 0;
  // The newline at the very end closes the last line, it does not begin another.
  for (let index = bytes.length - 2; index >= 0; index--) {
    if (bytes[index] !== newline) continue;
    found += 1;
    if (found === range.lines) return from + index + 1;
  }
  return from;
}

const newline = 0x0a;

/** How many bytes at the front belong to a sequence that began before. */
function continuationBytes(bytes: Buffer): number {
  let count = 0;
  while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;
  return count;
}

/**
 * The length without an unfinished sequence at the end: its other bytes are still to come, or on the next
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
 * As many of the bytes as make a text that stays within a page when it is written as JSON: a control
 * character takes six.
 */
function fitting(bytes: Buffer): { readonly text: string; readonly bytes: number } {
  const encodedMax = limits.consolePageBytesMax;
  for (let length = bytes.length; ; ) {
    const whole = wholeLength(bytes.subarray(0, length));
    const text = bytes.subarray(0, whole).toString("utf8");
    const encoded = Buffer.byteLength(JSON.stringify(text));
    if (encoded <= encodedMax) return { text, bytes: whole };
    length = Math.min(length - 16, Math.trunc((length * encodedMax) / encoded));
  }
}
