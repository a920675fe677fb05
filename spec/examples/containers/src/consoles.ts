/**
 * The consoles port on the files of console-log.ts. A container may write any bytes: a page never cuts a
 * UTF-8 sequence, nor grows over its limit when it is written as JSON.
 */
import { open, readdir } from "node:fs/promises";
import type { ConsolePage, Consoles } from "novact/plugin";
import { consoleSegments, type Segment, trimConsole } from "./console-log.ts";
import { guestDirectory, isMissing } from "./guest-files.ts";
import { containerLimits } from "./limits.ts";

export class ContainerConsoles implements Consoles {
  readonly #containers: string;

  constructor(containers: string) {
    this.#containers = containers;
  }

  async read(
    instanceId: string,
    from: { readonly offset?: number; readonly tailLines?: number },
  ): Promise<ConsolePage | undefined> {
    const segments = consoleSegments(guestDirectory(this.#containers, instanceId));
    const [first, last] = [segments[0], segments.at(-1)];
    if (first === undefined || last === undefined) return undefined;
    const wanted =
      from.tailLines === undefined
        ? (from.offset ?? 0)
        : await startOfTail(segments, last.end, from.tailLines);
    const start = Math.min(last.end, Math.max(first.start, wanted));
    const bytes = await readSegments(segments, start, start + containerLimits.consolePageBytesMax);
    const skipped = start === wanted && start !== first.start ? 0 : leadingRest(bytes);
    const page = fitting(bytes.subarray(skipped));
    const offset = start + skipped;
    const nextOffset = offset + page.length;
    const unfinished = skipped + wholeLength(bytes.subarray(skipped));
    const more = start + bytes.length < last.end || nextOffset < start + unfinished;
    return { text: page.text, offset, nextOffset, more };
  }

  async trim(): Promise<void> {
    for (const instanceId of await instanceIds(this.#containers))
      trimConsole(guestDirectory(this.#containers, instanceId));
  }
}

export async function instanceIds(containers: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(containers, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Where the last lines begin; half a page before the end at most, so that the page holds the end. */
async function startOfTail(segments: readonly Segment[], end: number, lines: number): Promise<number> {
  const from = Math.max(segments[0]?.start ?? 0, end - containerLimits.consolePageBytesMax / 2);
  const bytes = await readSegments(segments, from, end);
  // The newline at the very end closes the last line; it does not begin another.
  let at = bytes.length - 1;
  for (let found = 0; found < lines && at >= 0; found += 1) at = bytes.lastIndexOf(0x0a, at - 1);
  return lines === 0 ? end : from + Math.max(0, at + 1);
}

async function readSegments(segments: readonly Segment[], start: number, end: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const segment of segments.filter((one) => one.end > start && one.start < end)) {
    const [from, to] = [Math.max(start, segment.start), Math.min(end, segment.end)];
    const file = await open(segment.path, "r").catch((error: unknown) => {
      // The log was trimmed meanwhile: what is left begins later, and the reader asks again.
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (file === undefined) continue;
    const { buffer, bytesRead } = await file
      .read(Buffer.alloc(to - from), 0, to - from, from - segment.start)
      .finally(() => file.close());
    parts.push(buffer.subarray(0, bytesRead));
  }
  return Buffer.concat(parts);
}

/** Bytes at the front that belong to a sequence that began before. */
function leadingRest(bytes: Buffer): number {
  let count = 0;
  while (count < 3 && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1;
  return count;
}

/** The length without an unfinished sequence at the end. */
function wholeLength(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back && byte < 0xf8 ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** The longest beginning whose JSON stays within a page; there a control character takes six bytes. */
function fitting(bytes: Buffer): { readonly text: string; readonly length: number } {
  for (let wanted = bytes.length; ; ) {
    const length = wholeLength(bytes.subarray(0, wanted));
    const text = bytes.subarray(0, length).toString("utf8");
    const written = Buffer.byteLength(JSON.stringify(text));
    if (written <= containerLimits.consolePageBytesMax) return { text, length };
    wanted = Math.min(length - 16, Math.trunc((length * containerLimits.consolePageBytesMax) / written));
  }
}
