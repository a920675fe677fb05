/**
 * The files of a node's guard, in a directory of its own below the node's state directory: its stored state,
 * its socket, its lock and its log. This file must import nothing large, because the guard's process uses it.
 */
import { readFileSync, rename, writeFile } from "node:fs";
import type { StoredGuard } from "../../actors/node/guard/state.ts";

/** Names relative to the guard's directory. */
export const guardFiles = {
  state: "state.json",
  socket: "socket",
  lock: "lock",
  log: "log",
  /** The guard's program, as JavaScript. */
  program: "program",
} as const;

/** The state that an earlier guard stored in the current directory; undefined when there is none. */
export function readStoredGuard(): StoredGuard | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(guardFiles.state, "utf8"));
    const { bootId, deadlineMs, number, stopped, deeds } = Object(content);
    const sound = [typeof bootId === "string", Number.isFinite(deadlineMs), Number.isInteger(number)];
    if (!sound.every(Boolean) || !Array.isArray(stopped)) return undefined;
    return { bootId, deadlineMs, number, stopped, ...(Array.isArray(deeds) ? { deeds } : {}) };
  } catch {
    // Missing or damaged: the guard starts without stored state.
    return undefined;
  }
}

/**
 * Writes the guard's state to its file, one write after the other; a newer state replaces one that waits. Not
 * synced: after a power loss the state is worthless. Never waited for: an older deadline only stops guests
 * sooner.
 */
export class GuardMemory {
  readonly #failed: (error: Error) => void;
  #written = "";
  #waiting: string | undefined;
  #busy = false;

  constructor(failed: (error: Error) => void) {
    this.#failed = failed;
  }

  keep(stored: StoredGuard): void {
    const content = JSON.stringify(stored);
    if (content === (this.#waiting ?? this.#written)) return;
    this.#waiting = content;
    if (!this.#busy) this.#write();
  }

  #write(): void {
    const content = this.#waiting;
    if (content === undefined) return;
    this.#waiting = undefined;
    this.#written = content;
    this.#busy = true;
    const temporary = `${guardFiles.state}.new`;
    const done = (error: Error | null) => {
      this.#busy = false;
      if (error !== null) this.#failed(error);
      this.#write();
    };
    writeFile(temporary, content, { mode: 0o600 }, (error) =>
      error === null ? rename(temporary, guardFiles.state, done) : done(error),
    );
  }
}
