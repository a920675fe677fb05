/**
 * Room that is given up when the disk is full: a file in the state directory. PostgreSQL needs some to write
 * stops and deletes down, which make room, and to come back when the full disk has ended it. Whoever fills
 * the disk may take that room as well; what must not fail then needs no new block (decision 0028).
 */
import { closeSync, fstatSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isDiskTrouble } from "../process/log-file.ts";
import { upLimits } from "./limits.ts";

const chunk = Buffer.alloc(1024 * 1024);

/** The reserve of a cluster with this state directory. */
export const reserveOf = (stateDirectory: string): Reserve => new Reserve(join(stateDirectory, "reserve"));

export class Reserve {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether the whole reserve is there. */
  get whole(): boolean {
    return (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= upLimits.reserveBytes;
  }

  /** Removes the file; false: there is no file. */
  giveUp(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false }) !== undefined;
    rmSync(this.#path, { force: true });
    return there;
  }

  /** Makes the reserve, unless it is there; without room for it, it is left out. */
  make(): void {
    if (this.whole) return;
    try {
      this.#write();
    } catch (error) {
      rmSync(this.#path, { force: true });
      if (!isDiskTrouble(error)) throw error;
    }
  }

  #write(): void {
    const file = openSync(this.#path, "w", 0o600);
    try {
      while (fstatSync(file).size < upLimits.reserveBytes) writeSync(file, chunk);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}
