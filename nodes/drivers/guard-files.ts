/**
 * The files of a node's guard, in a directory of its own below the node's state directory: its stored
 * state, its deeds, its socket, its lock, its log and its program. What the guard writes needs no new block
 * of the disk: a full disk must not make it stop guests. It must never begin a write that may not fit while
 * the file under it is the only whole one. This file must import nothing large, because the guard's process
 * uses it.
 */
import { constants, fstatSync, openSync, readFileSync, write, writeSync } from "node:fs";
import { join } from "node:path";
import type { StoredGuard } from "../../actors/node/guard/state.ts";
import { driverLimits } from "./limits.ts";

/** Names relative to the guard's directory. */
export const guardFiles = {
  /** Written in turn: one is whole while the other is being written. */
  states: ["state.json", "state.other.json"],
  /** Apart from the state, which is written with every renewal. */
  deeds: ["deeds.json", "deeds.other.json"],
  socket: "socket",
  lock: "lock",
  log: "log",
  /** The guard's program, as JavaScript. */
  program: "program",
} as const;

type Content = Readonly<Record<string, unknown>>;

/** `write`: number of the write. A file from before there were two has none. */
interface Written {
  readonly write: number;
  readonly content: Content;
}

/**
 * The state that an earlier guard stored in the directory, by default the current one; undefined when there
 * is none. Its deeds are those of the same boot, or none.
 */
export function readStoredGuard(directory = "."): StoredGuard | undefined {
  const { bootId, deadlineMs, number, stopped, deeds } = {
    ...readNewest(guardFiles.states, directory)?.content,
  };
  if (typeof bootId !== "string" || typeof deadlineMs !== "number") return undefined;
  if (typeof number !== "number" || !Array.isArray(stopped)) return undefined;
  const apart = readNewest(guardFiles.deeds, directory)?.content;
  // A guard of before has them beside its state.
  const known = apart?.bootId === bootId ? apart.deeds : deeds;
  return { bootId, deadlineMs, number, stopped, ...(Array.isArray(known) ? { deeds: known } : {}) };
}

function readNewest(names: readonly string[], directory: string): Written | undefined {
  const found = names.flatMap((name) => readOne(join(directory, name)) ?? []);
  return found.sort((one, other) => other.write - one.write)[0];
}

/** What is in one file. Its first line begins and ends with the number of the write, or is half written. */
function readOne(path: string): Written | undefined {
  try {
    const [line = ""] = readFileSync(path, "utf8").split("\n", 1);
    const { write = 0, end = 0, ...content } = Object(JSON.parse(line));
    return Number.isInteger(write) && write === end ? { write, content } : undefined;
  } catch {
    // Missing or damaged: the guard does without.
    return undefined;
  }
}

/**
 * Writes the guard's state and deeds down. Not synced: after a power loss they are worthless. Never waited
 * for: an older deadline only stops guests sooner.
 */
export class GuardMemory {
  readonly #state: PairOfFiles;
  readonly #deeds: PairOfFiles;

  /** Opens the files in the current directory, and has their blocks written while there is room for them. */
  constructor(failed: (error: Error) => void) {
    const { guardStateBytes, guardDeedsBytes } = driverLimits;
    this.#state = new PairOfFiles(guardFiles.states, guardStateBytes, failed);
    this.#deeds = new PairOfFiles(guardFiles.deeds, guardDeedsBytes, failed);
  }

  keep({ deeds, ...state }: StoredGuard): void {
    this.#state.keep(state);
    if (deeds !== undefined) this.#deeds.keep({ bootId: state.bootId, deeds });
  }
}

/**
 * Two files of which one is whole while the other is being written, one write after the other; a newer
 * content replaces one that waits. After a write that failed the same file is written again: the other one is
 * the only whole one then.
 */
class PairOfFiles {
  readonly #failed: (error: Error) => void;
  readonly #files: readonly number[];
  /** Number of the last whole write. */
  #number: number;
  #written = "";
  #waiting: string | undefined;
  #busy = false;

  /** `bytes`: what each file has from the beginning. */
  constructor(names: readonly string[], bytes: number, failed: (error: Error) => void) {
    this.#failed = failed;
    this.#number = readNewest(names, ".")?.write ?? 0;
    this.#files = names.map((name) => openSync(name, constants.O_RDWR | constants.O_CREAT, 0o600));
    // First the file that the next write goes to.
    for (const file of [this.#next, ...this.#files]) this.#reserve(file, bytes);
  }

  keep(content: Content): void {
    const text = JSON.stringify(content);
    if (text === (this.#waiting ?? this.#written)) return;
    this.#waiting = text;
    if (!this.#busy) this.#write();
  }

  get #next(): number {
    return this.#files[(this.#number + 1) % this.#files.length] ?? 0;
  }

  /** Makes the file that large with what changes nothing in its first line; false: there is no room. */
  #reserve(file: number, bytes: number): boolean {
    try {
      // Written a part at a time: what is there when the disk is full is kept.
      for (let { size } = fstatSync(file); size < bytes; )
        size += writeSync(file, "\n".repeat(Math.min(bytes - size, partBytes)), size);
      return true;
    } catch (error) {
      this.#failed(error as Error);
      return false;
    }
  }

  #write(): void {
    const text = this.#waiting;
    if (text === undefined) return;
    this.#waiting = undefined;
    const number = this.#number + 1;
    const line = Buffer.from(`{"write":${number},${text.slice(1, -1)},"end":${number}}\n`);
    const file = this.#next;
    if (!this.#reserve(file, line.length)) return;
    this.#written = text;
    this.#busy = true;
    this.#writeFrom(file, line, 0);
  }

  #writeFrom(file: number, line: Buffer, from: number): void {
    write(file, line, from, line.length - from, from, (error, bytes) => {
      if (error === null && from + bytes < line.length) return this.#writeFrom(file, line, from + bytes);
      this.#busy = false;
      if (error === null) this.#number += 1;
      else {
        this.#written = "";
        this.#failed(error);
      }
      this.#write();
    });
  }
}

const partBytes = 16 * 1024;
