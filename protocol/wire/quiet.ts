/**
 * Keeps a sender from filling the log: of lines with the same key only one is written in a period, and it
 * says how many were not. It never grows beyond a fixed number of keys.
 */
import { wireLimits } from "../limits/wire.ts";
import type { Clock } from "./transport.ts";

export class Quiet {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #keys = new Map<string, { readonly atMs: number; untold: number }>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Undefined: say nothing. Else a line is due, and so many of its kind were not written before it. */
  due(key: string): number | undefined {
    const atMs = this.#clock.monotonicMs();
    const known = this.#keys.get(key);
    if (known !== undefined && atMs < known.atMs + wireLimits.sameLinePeriodMs) {
      known.untold += 1;
      return undefined;
    }
    if (known === undefined && this.#keys.size >= wireLimits.sameLinesMax) this.#forgetOldest();
    this.#keys.delete(key);
    this.#keys.set(key, { atMs, untold: 0 });
    return known?.untold ?? 0;
  }

  #forgetOldest(): void {
    const [oldest] = this.#keys.keys();
    if (oldest !== undefined) this.#keys.delete(oldest);
  }
}
