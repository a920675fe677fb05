/**
 * Turns among ports: each may have so many frames dealt with, then the others have theirs. A port that has
 * used up its turn waits for the next, with what it has read already, and reads no more until then.
 */
import { switchLimits } from "./limits.ts";

export interface Turn {
  /** Its next turn has come. */
  go(): void;
}

export class Turns {
  readonly #waiting = new Set<Turn>();
  #isArmed = false;
  #number = 0;

  /** A pass in which every port may have a turn. */
  get number(): number {
    return this.#number;
  }

  /** The next pass comes when every port that has something to read was asked. */
  arm(): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setImmediate(() => this.#pass());
  }

  wait(turn: Turn): void {
    this.#waiting.add(turn);
    this.arm();
  }

  forget(turn: Turn): void {
    this.#waiting.delete(turn);
  }

  #pass(): void {
    this.#isArmed = false;
    this.#number += 1;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const turn of waiting) turn.go();
  }
}

/** How many frames are left of one port's turn. */
export class Allowance {
  readonly #turns: Turns;
  #number = -1;
  #left = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** False: this frame was the last of the turn. */
  take(): boolean {
    if (this.#number !== this.#turns.number) {
      this.#number = this.#turns.number;
      this.#left = switchLimits.framesPerTurnMax;
      this.#turns.arm();
    }
    this.#left -= 1;
    return this.#left > 0;
  }
}
