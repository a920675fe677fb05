/**
 * Lets only so many pieces of work run at once; the others wait in their order. What nobody waits for any
 * more when its turn comes is not begun: else, once there is more work than can be done in time, all of it is
 * done too late, and asked for again. How much waits is bounded by who calls.
 */
export class AtOnce {
  readonly #max: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** The outcome of the work; undefined: the signal was aborted before its turn. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    if (this.#running >= this.#max) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return signal.aborted ? undefined : await work();
    } finally {
      // The place goes to the next one, or is free.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
