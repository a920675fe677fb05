/** Compares again and again, so that what somebody else has changed lasts no longer than a minute. */
import { randomInt } from "node:crypto";
import type { Clock, Log, Timer } from "novact/plugin";
import { macvtapLimits } from "./limits.ts";

export class Rounds {
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #stopped = false;
  #failure = "";

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  start(compare: () => Promise<void>): void {
    if (this.#stopped) return;
    const { comparePeriodMs, compareJitterMs } = macvtapLimits;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(comparePeriodMs - randomInt(compareJitterMs), () => {
      void this.#round(compare).finally(() => this.start(compare));
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** The same failure is told once. */
  async #round(compare: () => Promise<void>): Promise<void> {
    const failure = await compare().then(() => "", String);
    if (failure !== "" && failure !== this.#failure)
      this.#log.warn({ error: failure }, "the host's macvtaps are not as they should be");
    this.#failure = failure;
  }
}
