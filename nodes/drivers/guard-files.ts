/**
 * The files of a node's guard, in a directory of its own below the node's state directory: what it must not
 * forget, its socket, its lock and its log. This file must import nothing that is large: the guard's process
 * uses it.
 */
import { readFileSync, rename, writeFile } from "node:fs";
import type { StoredGuard } from "../../actors/node/guard/state.ts";

/** All relative to the guard's directory. */
export const guardFiles = {
  state: "state.json",
  socket: "socket",
  lock: "lock",
  log: "log",
  /** The guard's program, as JavaScript. */
  program: "program",
} as const;

/** What a guard before has written down, in the present directory; undefined when that is nothing. */
export function readStoredGuard(): StoredGuard | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(guardFiles.state, "utf8"));
    const { bootId, deadlineMs, number, stopped } = Object(content);
    const sound = [typeof bootId === "string", Number.isFinite(deadlineMs), Number.isInteger(number)];
    if (!sound.every(Boolean) || !Array.isArray(stopped)) return undefined;
    return { bootId, deadlineMs, number, stopped };
  } catch {
    // Missing, or damaged: the guard begins as one that knows nothing.
    return undefined;
  }
}

/**
 * Writes the newest content, one after the other; what comes meanwhile replaces what waits. Not synced: after
 * a power loss it is worth nothing. Never waited for: an older deadline only stops guests sooner.
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
