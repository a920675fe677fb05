/**
 * When the volumes of a storage are counted: each is looked at, which takes minutes where there are many and
 * the storage is slow. Nobody waits for a count but those who ask before the first one has ended; and whoever
 * asks again and again has the storage count for a small part of its time only.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import { volumeLimits } from "./limits.ts";

export class VolumeCount {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #count: () => Promise<number>;
  #known: number | undefined;
  #running: Promise<number> | undefined;
  #dueAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "monotonicMs">, count: () => Promise<number>) {
    this.#clock = clock;
    this.#count = count;
  }

  /** What the last count has found; the first one is waited for. @throws what that throws */
  async known(): Promise<number> {
    const known = this.#known;
    if (known === undefined) return this.#running ?? this.#begin();
    if (this.#running === undefined && this.#clock.monotonicMs() >= this.#dueAtMs)
      this.#begin().catch(() => undefined);
    return known;
  }

  #begin(): Promise<number> {
    const beganAtMs = this.#clock.monotonicMs();
    const running = this.#count();
    this.#running = running;
    const ended = (known: number | undefined) => {
      const nowMs = this.#clock.monotonicMs();
      const pauseMs = Math.max(
        volumeLimits.countPeriodMs,
        (nowMs - beganAtMs) * volumeLimits.countPausesPerCount,
      );
      this.#known = known ?? this.#known;
      this.#running = undefined;
      this.#dueAtMs = nowMs + pauseMs;
    };
    running.then(ended, () => ended(undefined));
    return running;
  }
}
