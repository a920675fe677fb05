/**
 * How much a host may cause at a controller that leaves something behind: rows, events, work for actors. A
 * bucket for each host and kind; what is beyond it is refused, counted, and told in one line of the log a
 * while, and to the doctor. An honest host never meets these bounds. In memory: with several controllers a
 * host has the budget of each. It must never be asked about a renewal.
 */
import { Quiet } from "../../../protocol/wire/quiet.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { counted } from "../../../protocol/wire/wording.ts";
import { fleetLimits } from "./limits.ts";

const kinds = {
  registration: { burst: fleetLimits.registrationsBurstMax, periodMs: fleetLimits.registrationPeriodMs },
  deed: { burst: fleetLimits.deedsBurstMax, periodMs: fleetLimits.deedPeriodMs },
  "complete report": {
    burst: fleetLimits.completeReportsBurstMax,
    periodMs: fleetLimits.completeReportPeriodMs,
  },
  "question for networks": {
    burst: fleetLimits.networkQuestionsBurstMax,
    periodMs: fleetLimits.networkQuestionPeriodMs,
  },
  "question for images": {
    burst: fleetLimits.imageQuestionsBurstMax,
    periodMs: fleetLimits.imageQuestionPeriodMs,
  },
} as const;

/** What costs something. */
export type Costly = keyof typeof kinds;

interface Bucket {
  left: number;
  atMs: number;
}

interface OfHost {
  readonly buckets: Map<Costly, Bucket>;
  refusedAtMs: number;
}

export class ReportBudgets {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #log: Log;
  readonly #quiet: Quiet;
  readonly #hosts = new Map<string, OfHost>();

  constructor({ clock, log }: { readonly clock: Pick<Clock, "monotonicMs">; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#quiet = new Quiet(clock);
  }

  /** True when the host's budget has so many, all of which are taken from it then. */
  take(hostId: string, kind: Costly, amount = 1): boolean {
    const { burst, periodMs } = kinds[kind];
    const nowMs = this.#clock.monotonicMs();
    const host = this.#ofHost(hostId);
    const { left, atMs } = host.buckets.get(kind) ?? { left: burst, atMs: nowMs };
    const there = Math.min(burst, left + (nowMs - atMs) / periodMs);
    const enough = there >= amount;
    host.buckets.set(kind, { left: enough ? there - amount : there, atMs: nowMs });
    if (!enough) this.#refuse(host, hostId, kind);
    return enough;
  }

  /** As {@link take}. @throws RESOURCE_EXHAUSTED tooManyRequests */
  demand(hostId: string, kind: Costly, amount = 1): void {
    if (this.take(hostId, kind, amount)) return;
    const { burst, periodMs } = kinds[kind];
    throw new StatusError(
      "tooManyRequests",
      `The host ${hostId} has made ${counted(burst, kind)} at once; it may make one more in each ${periodMs} ms.`,
      { retryAfterMs: Math.min(amount, burst) * periodMs },
    );
  }

  /** Hosts of which something was refused a moment ago. */
  lately(): readonly string[] {
    const sinceMs = this.#clock.monotonicMs() - fleetLimits.strangeShownMs;
    return [...this.#hosts].flatMap(([id, { refusedAtMs }]) => (refusedAtMs > sinceMs ? [id] : []));
  }

  #refuse(host: OfHost, hostId: string, kind: Costly): void {
    host.refusedAtMs = this.#clock.monotonicMs();
    const untold = this.#quiet.due(`${hostId} ${kind}`);
    if (untold === undefined) return;
    this.#log.warn({ host: hostId, kind, untold }, "a host reports more than an honest one does");
  }

  #ofHost(hostId: string): OfHost {
    const known = this.#hosts.get(hostId);
    if (known !== undefined) return known;
    const [oldest] = this.#hosts.keys();
    if (this.#hosts.size >= fleetLimits.reportBudgetsMax && oldest !== undefined) this.#hosts.delete(oldest);
    const fresh = { buckets: new Map<Costly, Bucket>(), refusedAtMs: Number.NEGATIVE_INFINITY };
    this.#hosts.set(hostId, fresh);
    return fresh;
  }
}
