/**
 * Lets bytes leave no faster than so many a second, all transfers together, in the order in which they ask.
 * It must never let a piece wait longer than those before it need.
 */
export class Bandwidth {
  readonly #bytesPerMs: number;
  readonly #nowMs: () => number;
  /** When all that was asked for has left. */
  #freeAtMs = 0;

  constructor(bytesPerSecond: number, nowMs: () => number = () => performance.now()) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#nowMs = nowMs;
  }

  readonly mayLeave = async (bytes: number): Promise<void> => {
    const waitMs = this.take(bytes);
    if (waitMs >= 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
  };

  /** How long these bytes have to wait for those before them, in ms. */
  take(bytes: number): number {
    const nowMs = this.#nowMs();
    const startMs = Math.max(nowMs, this.#freeAtMs);
    this.#freeAtMs = startMs + bytes / this.#bytesPerMs;
    return startMs - nowMs;
  }
}
