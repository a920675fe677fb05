/**
 * Compares a fabric with its plan again and again, so that what somebody else has changed lasts no longer
 * than a minute. Nodes that began together do not look together.
 */
import { randomInt } from "node:crypto";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { isAbort } from "../waiting.ts";
import { bridgeNetworkLimits } from "./limits.ts";

export class Rounds {
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #abort = new AbortController();
  #failure: string | undefined;
  #compare: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** The timer is that of a failure. */
  #isSoon = false;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Once in each life of the agent. */
  start(compare: (signal: AbortSignal) => Promise<void>): void {
    if (this.#abort.signal.aborted) return;
    this.#timer?.cancel();
    this.#compare = compare;
    this.#isSoon = this.#failure !== undefined;
    const { comparePeriodMs, compareJitterMs, compareRetryMs } = bridgeNetworkLimits;
    const pauseMs =
      this.#failure === undefined ? comparePeriodMs - randomInt(compareJitterMs) : compareRetryMs;
    this.#timer = this.#clock.after(pauseMs, () => {
      void this.#round(compare).finally(() => this.start(compare));
    });
  }

  /** Something has failed: the next round is that of a failure. */
  soon(): void {
    const compare = this.#compare;
    if (this.#isSoon || compare === undefined) return;
    this.#failure ??= "";
    this.start(compare);
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  async #round(compare: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await compare(this.#abort.signal);
      if (this.#failure !== undefined) this.#log.info({}, "the host's network is as it should be again");
      this.#failure = undefined;
    } catch (error) {
      if (isAbort(error)) return;
      const failure = String(error);
      if (failure !== this.#failure)
        this.#log.warn({ error: failure }, "the host's network is not as it should be");
      this.#failure = failure;
    }
  }
}
