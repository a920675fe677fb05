/**
 * Reports to controllers what the guard of this host did to guests, whether this life of the agent saw it or
 * not. A report that was not answered is made again; controllers know a deed by its number. It must never
 * hold up a renewal, nor throw.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Guard } from "../../ports/guard.ts";
import type { Meter } from "../../runtime/meter.ts";
import { hostLimits } from "./limits.ts";
import type { ReportClient } from "./reporter.ts";

export interface GuardDeedsOptions {
  readonly bootId: string;
  readonly reports: Pick<ReportClient, "guarded">;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

export class GuardDeeds {
  readonly #options: GuardDeedsOptions;
  /** Number of the last deed that controllers have. */
  #after = 0;
  #busy = false;

  constructor(options: GuardDeedsOptions) {
    this.#options = options;
  }

  /** Reports the deeds that are not reported yet. One call at a time does something. */
  async report(guard: Guard): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (await this.#reportSome(guard));
    } catch (thrown) {
      const { reason, message } = StatusError.from(thrown, "Reporting what the guard did");
      this.#options.log.warn({ reason, message }, "what the guard did was not reported; it is tried again");
    } finally {
      this.#busy = false;
    }
  }

  /** True when there may be more. */
  async #reportSome(guard: Guard): Promise<boolean> {
    const { clock, reports, bootId, log, meter } = this.#options;
    const found = await guard.deeds(this.#after);
    const last = found.at(-1);
    if (last === undefined) return false;
    const nowMs = clock.monotonicMs();
    const aheadMs = clock.nowMs() - nowMs;
    const deeds = found
      .filter(({ atMs }) => nowMs - atMs <= hostLimits.guardDeedAgeMsMax)
      .map((deed) => ({ ...deed, atMs: Math.round(deed.atMs + aheadMs) }));
    if (deeds.length > 0) {
      await reports.guarded({ bootId, deeds }, { timeoutMs: wireLimits.hostRequestTimeoutMs });
      log.info({ deeds: deeds.length }, "what the guard did was reported");
    }
    // The guard tells all its deeds again to the agent's next life, whose sum is then the same.
    for (const { what, why } of found) meter.count("novact_guard_deeds_total", { what, why });
    this.#after = last.number;
    return true;
  }
}
