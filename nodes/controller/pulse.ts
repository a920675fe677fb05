/**
 * Watches that another thread turns its event loop: the other one says so in each period, and this one counts
 * its own periods without a word. Own periods and not the time: when the whole process was paused, or this
 * thread was busy, one period has passed, and the words that wait are heard before the next one. It must
 * never take a busy computer for a thread that hangs.
 */
import type { Clock, Timer } from "../../protocol/wire/transport.ts";

export interface PulseOptions {
  readonly clock: Pick<Clock, "after">;
  readonly periodMs: number;
  /** Own periods in a row without a word, after which the other thread counts as hanging. */
  readonly missedMax: number;
  /** Called once. */
  readonly onLost: () => void;
}

export class Pulse {
  readonly #options: PulseOptions;
  #timer: Timer | undefined;
  #missed = 0;

  constructor(options: PulseOptions) {
    this.#options = options;
    this.#wait();
  }

  /** The other thread has said that its event loop turns. */
  heard(): void {
    this.#missed = 0;
  }

  end(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    const { clock, periodMs, missedMax, onLost } = this.#options;
    this.#timer = clock.after(periodMs, () => {
      this.#missed += 1;
      if (this.#missed > missedMax) onLost();
      else this.#wait();
    });
  }
}
