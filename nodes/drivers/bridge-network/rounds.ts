/**
 * Compares a fabric with its plan again and again, so that what somebody else has changed lasts no longer
 * than a minute. Nodes that began together do not look together. What fails is looked at sooner, and what
 * stays as it is after ever longer pauses, up to that minute: a compare of a large host is work.
 */
import { randomInt } from "node:crypto";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { isAbort } from "../waiting.ts";
import { bridgeNetworkLimits } from "./limits.ts";

const { comparePeriodMs, compareJitterMs, compareRetryMs } = bridgeNetworkLimits;

export class Rounds {
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #abort = new AbortController();
  #failure: string | undefined;
  #compare: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** What fails, in the words of who hurries. */
  #about: string | undefined;
  /** How many rounds have found the failure that the last one found. */
  #times = 0;
  #dueAtMs = Number.POSITIVE_INFINITY;
  #isDue = false;
  /** Somebody has hurried since the last round began, which may have looked before that. */
  #isHurried = false;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Once in each life of the agent. */
  start(compare: (signal: AbortSignal) => Promise<void>): void {
    this.#compare = compare;
    this.#plan(compare);
  }

  #plan(compare: (signal: AbortSignal) => Promise<void>): void {
    if (this.#abort.signal.aborted) return;
    this.#timer?.cancel();
    const pauseMs = this.#isDue ? 0 : this.#pauseMs();
    this.#dueAtMs = this.#clock.monotonicMs() + pauseMs;
    this.#timer = this.#clock.after(pauseMs, () => {
      this.#isDue = false;
      void this.#round(compare).finally(() => this.#plan(compare));
    });
  }

  #pauseMs(): number {
    const pauseMs = comparePeriodMs - randomInt(compareJitterMs);
    if (this.#failure === undefined) return pauseMs;
    return Math.min(pauseMs, compareRetryMs * 2 ** Math.max(0, this.#times - 1));
  }

  /**
   * Something has failed: the next round is that of a failure. `about`: what fails, where the same may be
   * said again and again; absent: something has happened now.
   */
  soon(about?: string): void {
    this.#isHurried = true;
    if (about !== undefined && about === this.#about) return;
    const compare = this.#compare;
    this.#about = about;
    this.#times = 0;
    this.#failure ??= "";
    // What is planned already must not be put off by whoever hurries again and again.
    const isSoon = this.#dueAtMs - this.#clock.monotonicMs() <= compareRetryMs;
    if (!isSoon && compare !== undefined) this.#plan(compare);
  }

  /** The next round is now: what was proved is known to be otherwise. */
  now(): void {
    this.#isDue = true;
    if (this.#compare !== undefined) this.#plan(this.#compare);
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  async #round(compare: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#isHurried = false;
    try {
      await compare(this.#abort.signal);
      if (this.#isHurried) {
        this.#times = 0;
        return;
      }
      if (this.#failure !== undefined) this.#log.info({}, "the host's network is as it should be again");
      [this.#failure, this.#about, this.#times] = [undefined, undefined, 0];
    } catch (error) {
      if (isAbort(error)) return;
      const failure = String(error);
      if (failure !== this.#failure) {
        this.#log.warn({ error: failure }, "the host's network is not as it should be");
        this.#times = 0;
      }
      this.#failure = failure;
      this.#times += 1;
    }
  }
}
