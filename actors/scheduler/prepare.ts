/**
 * A request made ready for thousands of hosts: what each filter and weigher needs of it is worked out once,
 * and those that it does not concern are left out. Lives for one question. Pure, but for the members that
 * {@link Prepared.suppose} adds while many are placed.
 */
import type { Check, Filter, Refuse, TimedRequest } from "./filters/filter.ts";
import type { HostView } from "./state.ts";
import type { Weigh, Weigher } from "./weighers/weigher.ts";

export interface Scheduler {
  readonly filters: readonly Filter[];
  readonly weighers: readonly { readonly weigher: Weigher; readonly multiplier: number }[];
}

interface ActiveFilter {
  readonly filter: Filter;
  readonly check: Check;
}

interface ActiveWeigher {
  readonly weigher: Weigher;
  readonly multiplier: number;
  readonly weigh: Weigh;
}

export class Prepared {
  readonly filters: readonly ActiveFilter[];
  /** All that have something to say; some only where an aggregate turns them on. */
  readonly #weighers: readonly ActiveWeigher[];
  /** The same without those that are off. */
  readonly #common: readonly ActiveWeigher[];
  readonly #checks: readonly Check[];
  readonly #members = new Map<string, number>();

  constructor(scheduler: Scheduler, request: TimedRequest) {
    for (const hostId of request.group?.hostIds ?? []) this.suppose(hostId);
    const members = this.#members;
    this.filters = scheduler.filters.flatMap((filter) => {
      const check = filter.prepare(request, members);
      return check === undefined ? [] : [{ filter, check }];
    });
    this.#checks = this.filters.map(({ check }) => check);
    this.#weighers = scheduler.weighers.flatMap(({ weigher, multiplier }) => {
      const weigh = weigher.prepare(request, members);
      return weigh === undefined ? [] : [{ weigher, multiplier, weigh }];
    });
    this.#common = this.#weighers.filter(({ multiplier }) => multiplier !== 0);
  }

  /** One member of the request's group more is on this host from now on. */
  suppose(hostId: string): void {
    this.#members.set(hostId, (this.#members.get(hostId) ?? 0) + 1);
  }

  fits(host: HostView): boolean {
    const checks = this.#checks;
    for (let index = 0; index < checks.length; index++) if (checks[index]?.(host) !== true) return false;
    return true;
  }

  /** Of any host, whether it fits or not. */
  score(host: HostView): number {
    if (host.aggregates.multipliers !== undefined) return this.#ownScore(host);
    const weighers = this.#common;
    let score = 0;
    for (let index = 0; index < weighers.length; index++) {
      const active = weighers[index];
      if (active !== undefined) score += active.multiplier * active.weigh(host);
    }
    return score;
  }

  #ownScore(host: HostView): number {
    let score = 0;
    for (const active of this.#weighers) score += multiplierFor(active, host) * active.weigh(host);
    return score;
  }

  /** What each weigher gives, times its multiplier; those that give nothing are left out. */
  weights(host: HostView): Record<string, number> {
    const weights: Record<string, number> = {};
    for (const active of this.#weighers) {
      const weight = multiplierFor(active, host) * active.weigh(host);
      if (weight !== 0) weights[active.weigher.name] = weight;
    }
    return weights;
  }

  /** Every filter that refuses the host, in the order in which they are asked. */
  refusals(host: HostView): { readonly filter: Filter; readonly refuse: Refuse }[] {
    const refusals: { readonly filter: Filter; readonly refuse: Refuse }[] = [];
    for (const { filter, check } of this.filters) {
      const result = check(host);
      if (result !== true) refusals.push({ filter, refuse: result });
    }
    return refusals;
  }
}

/** The host's aggregates have the last word. */
function multiplierFor({ weigher, multiplier }: ActiveWeigher, { aggregates }: HostView): number {
  const { multipliers } = aggregates;
  return multipliers?.get(weigher.name) ?? multipliers?.get(weigher.novaName) ?? multiplier;
}
