/**
 * The log of a container's console: a few files, each named by the position of its first byte. The oldest one
 * goes when a new one begins, so the log is bounded while it is written, whether an agent lives or not.
 */
import { appendFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { guestFiles, isMissing } from "./guest-files.ts";
import { containerLimits } from "./limits.ts";

export interface Segment {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

/** The files of the log, oldest first; empty: there is no log. */
export function consoleSegments(directory: string): readonly Segment[] {
  return names(directory)
    .filter((name) => /^console\.[0-9]{1,15}$/.test(name))
    .map((name) => ({ path: join(directory, name), start: Number(name.slice(guestFiles.console.length)) }))
    .sort((left, right) => left.start - right.start)
    .flatMap((one) => {
      const size = sizeOf(one.path);
      return size === undefined ? [] : [{ ...one, end: one.start + size }];
    });
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Undefined: it went since it was listed. */
function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** Removes the files that are too many. */
export function trimConsole(directory: string): void {
  for (const { path } of consoleSegments(directory).slice(0, -containerLimits.consoleSegmentsMax))
    rmSync(path, { force: true });
}

/** Goes on where the log ends: positions never change, also when the container is started again. */
export class ConsoleWriter {
  readonly #directory: string;
  #start: number;
  #position: number;

  constructor(directory: string) {
    this.#directory = directory;
    const last = consoleSegments(directory).at(-1);
    this.#start = last?.start ?? 0;
    this.#position = last?.end ?? 0;
  }

  /** @throws Error when the disk is full */
  write(bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0; ) {
      const room = this.#start + containerLimits.consoleSegmentBytesMax - this.#position;
      if (room <= 0) this.#begin();
      else {
        const part = rest.subarray(0, room);
        appendFileSync(join(this.#directory, `${guestFiles.console}${this.#start}`), part, { mode: 0o600 });
        this.#position += part.length;
        rest = rest.subarray(part.length);
      }
    }
  }

  #begin(): void {
    this.#start = this.#position;
    appendFileSync(join(this.#directory, `${guestFiles.console}${this.#start}`), "", { mode: 0o600 });
    trimConsole(this.#directory);
  }
}
