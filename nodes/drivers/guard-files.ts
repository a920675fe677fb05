/**
 * The files of a node's guard, in a directory of its own below the node's state directory: its stored
 * state, its socket, its lock, its log and its program. What the guard writes needs no new block of the
 * disk: a full disk must not make it stop guests. This file must import nothing large, because the guard's
 * process uses it.
 */
import { constants, fstatSync, openSync, readFileSync, write, writeSync } from "node:fs";
import { join } from "node:path";
import type { StoredGuard } from "../../actors/node/guard/state.ts";

/** Names relative to the guard's directory. */
export const guardFiles = {
  /** Written in turn: one is whole while the other is being written. */
  states: ["state.json", "state.other.json"],
  socket: "socket",
  lock: "lock",
  log: "log",
  /** The guard's program, as JavaScript. */
  program: "program",
} as const;

/**
 * Bytes that each file of the state has from the beginning: the state of more than a hundred stopped
 * guests.
 */
const stateBytes = 16 * 1024;

interface Written extends StoredGuard {
  /** Number of the write. A file from before there were two has none. */
  readonly write: number;
}

/**
 * The state that an earlier guard stored in the directory, by default the current one; undefined when there
 * is none.
 */
export const readStoredGuard = (directory = "."): StoredGuard | undefined => readNewest(directory);

function readNewest(directory: string): Written | undefined {
  const found = guardFiles.states.flatMap((name) => readOne(join(directory, name)) ?? []);
  return found.sort((one, other) => other.write - one.write)[0];
}

/** The state in one file. Its first line begins and ends with the number of the write, or is half written. */
function readOne(path: string): Written | undefined {
  try {
    const [line = ""] = readFileSync(path, "utf8").split("\n", 1);
    const { write = 0, end = 0, bootId, deadlineMs, number, stopped, deeds } = Object(JSON.parse(line));
    const sound = [typeof bootId === "string", Number.isFinite(deadlineMs), Number.isInteger(number)];
    const whole = Number.isInteger(write) && write === end;
    if (!whole || !sound.every(Boolean) || !Array.isArray(stopped)) return undefined;
    return { write, bootId, deadlineMs, number, stopped, ...(Array.isArray(deeds) ? { deeds } : {}) };
  } catch {
    // Missing or damaged: the guard does without.
    return undefined;
  }
}

/**
 * Writes the guard's state down, one write after the other; a newer state replaces one that waits. Not
 * synced: after a power loss the state is worthless. Never waited for: an older deadline only stops guests
 * sooner.
 */
export class GuardMemory {
  readonly #failed: (error: Error) => void;
  readonly #files: readonly number[];
  #number: number;
  #written = "";
  #waiting: string | undefined;
  #busy = false;

  /** Opens the files in the current directory, and has their blocks written while there is room for them. */
  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
    this.#number = readNewest(".")?.write ?? 0;
    this.#files = guardFiles.states.map((name) =>
      openSync(name, constants.O_RDWR | constants.O_CREAT, 0o600),
    );
    for (const file of this.#files) this.#reserve(file);
  }

  keep(stored: StoredGuard): void {
    const content = JSON.stringify(stored);
    if (content === (this.#waiting ?? this.#written)) return;
    this.#waiting = content;
    if (!this.#busy) this.#write();
  }

  #reserve(file: number): void {
    const { size } = fstatSync(file);
    if (size >= stateBytes) return;
    try {
      writeSync(file, "\n".repeat(stateBytes - size), size);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  #write(): void {
    const content = this.#waiting;
    if (content === undefined) return;
    this.#waiting = undefined;
    this.#written = content;
    this.#busy = true;
    this.#number += 1;
    const file = this.#files[this.#number % this.#files.length] ?? 0;
    const line = Buffer.from(`{"write":${this.#number},${content.slice(1, -1)},"end":${this.#number}}\n`);
    this.#writeFrom(file, line, 0);
  }

  #writeFrom(file: number, line: Buffer, from: number): void {
    write(file, line, from, line.length - from, from, (error, bytes) => {
      if (error === null && from + bytes < line.length) return this.#writeFrom(file, line, from + bytes);
      this.#busy = false;
      if (error !== null) this.#failed(error);
      this.#write();
    });
  }
}
