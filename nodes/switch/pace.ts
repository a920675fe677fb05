/**
 * How often states are applied. Frames of all guests wait while one is, and a tenant may change its groups as
 * often as it likes: so after each there is a pause of many times as long, and what is wanted meanwhile is
 * applied as one afterwards.
 */
import { setTimeout as pause } from "node:timers/promises";
import { switchLimits } from "./limits.ts";

export interface PaceTime {
  nowMs(): number;
  pause(forMs: number): Promise<unknown>;
}

const ownTime: PaceTime = { nowMs: () => performance.now(), pause };

export class Pace {
  readonly #time: PaceTime;
  #freeAtMs = 0;

  constructor(time: PaceTime = ownTime) {
    this.#time = time;
  }

  /** There is no pause at the moment. */
  get isFree(): boolean {
    return this.#time.nowMs() >= this.#freeAtMs;
  }

  /** Resolves when there is no pause any more. */
  async free(): Promise<void> {
    while (!this.isFree) await this.#time.pause(Math.ceil(this.#freeAtMs - this.#time.nowMs()));
  }

  /** Does something for which frames wait, and begins the pause after it, also when it has failed. */
  do<Result>(work: () => Result): Result {
    const beganAtMs = this.#time.nowMs();
    try {
      return work();
    } finally {
      const endedAtMs = this.#time.nowMs();
      const { applyPausesPerApply, applyPauseMsMax } = switchLimits;
      this.#freeAtMs = endedAtMs + Math.min(applyPausesPerApply * (endedAtMs - beganAtMs), applyPauseMsMax);
    }
  }
}
