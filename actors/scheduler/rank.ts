/**
 * Ranks hosts for one request: every filter must pass, the weighers' sum decides, equals take turns. Only
 * explanations make sentences, so a ranking of thousands of hosts stays well below a millisecond. Pure.
 */
import type { HostVerdict } from "../../protocol/instance.ts";
import { limits } from "../../protocol/limits.ts";
import type { Denial } from "../../protocol/status.ts";
import type { Filter, TimedRequest } from "./filters/filter.ts";
import { filters as allFilters } from "./filters/index.ts";
import type { Candidate } from "./messages.ts";
import type { HostView, SchedulerState } from "./state.ts";
import { weighers as allWeighers } from "./weighers/index.ts";
import type { Weigher } from "./weighers/weigher.ts";

export interface SchedulerOptions {
  /** Names, in the order in which they are asked; absent: all there are. */
  readonly filters?: readonly string[];
  /** Name and multiplier; absent: all there are, each times one. */
  readonly weighers?: Readonly<Record<string, number>>;
}

export interface Scheduler {
  readonly filters: readonly Filter[];
  readonly weighers: readonly { readonly weigher: Weigher; readonly multiplier: number }[];
}

/** The chosen filters and weighers. @throws Error that lists what there is, for a name that is unknown */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const filterNames = options.filters ?? allFilters.map(({ name }) => name);
  const multipliers = options.weighers ?? Object.fromEntries(allWeighers.map(({ name }) => [name, 1]));
  return {
    filters: filterNames.map((name) => pick(allFilters, name, "filter")),
    weighers: Object.entries(multipliers).map(([name, multiplier]) => ({
      weigher: pick(allWeighers, name, "weigher"),
      multiplier,
    })),
  };
}

function pick<T extends { readonly name: string }>(list: readonly T[], name: string, what: string): T {
  const found = list.find((item) => item.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no scheduler ${what} "${name}". There are: ${list.map((item) => item.name).join(", ")}.`,
  );
}

/** The best hosts first, at most limits.candidatesMax; empty when none fits. */
export function rank(scheduler: Scheduler, state: SchedulerState, request: TimedRequest): Candidate[] {
  const { hosts, turn } = state;
  const best: Candidate[] = [];
  // Begins at another host every time, and a later one must be better to go before an earlier one: equals
  // take turns.
  const first = hosts.length === 0 ? 0 : turn % hosts.length;
  consider(scheduler, hosts, { from: first, to: hosts.length, request, best });
  consider(scheduler, hosts, { from: 0, to: first, request, best });
  return best;
}

/** Weighs before it filters: of thousands of hosts only few are good enough to be asked every filter. */
function consider(
  scheduler: Scheduler,
  hosts: readonly HostView[],
  { from, to, request, best }: { from: number; to: number; request: TimedRequest; best: Candidate[] },
): void {
  for (let position = from; position < to; position++) {
    const host = hosts[position];
    if (host === undefined) continue;
    const score = scoreOf(scheduler, host, request);
    const last = best[limits.candidatesMax - 1];
    if (last !== undefined && last.score >= score) continue;
    if (fits(scheduler, host, request)) insert(best, { hostId: host.id, score });
  }
}

function fits(scheduler: Scheduler, host: HostView, request: TimedRequest): boolean {
  for (const filter of scheduler.filters) if (filter.check(host, request) !== true) return false;
  return true;
}

function scoreOf(scheduler: Scheduler, host: HostView, request: TimedRequest): number {
  let score = 0;
  for (const { weigher, multiplier } of scheduler.weighers)
    score += multiplier * weigher.weigh(host, request);
  return score;
}

function insert(best: Candidate[], candidate: Candidate): void {
  let position = best.length;
  while (position > 0 && (best[position - 1]?.score ?? 0) < candidate.score) position--;
  best.splice(position, 0, candidate);
  if (best.length > limits.candidatesMax) best.pop();
}

/** Every filter's opinion of one host, also after the first refusal, and what each weigher gives. */
function verdictOf(scheduler: Scheduler, host: HostView, request: TimedRequest): HostVerdict {
  const filters: Record<string, true | string> = {};
  for (const filter of scheduler.filters) {
    const result = filter.check(host, request);
    filters[filter.name] = result === true ? true : result();
  }
  const weights: Record<string, number> = {};
  for (const { weigher, multiplier } of scheduler.weighers)
    weights[weigher.name] = multiplier * weigher.weigh(host, request);
  const good = Object.values(filters).every((result) => result === true);
  return {
    hostId: host.id,
    hostName: host.name,
    fits: good,
    filters,
    weights,
    score: good ? scoreOf(scheduler, host, request) : 0,
  };
}

/**
 * The hosts that fit, best first as they would be ranked, then the others; at most limits.hostVerdictsMax.
 */
export function explain(scheduler: Scheduler, state: SchedulerState, request: TimedRequest): HostVerdict[] {
  const good: HostVerdict[] = [];
  for (const { hostId } of rank(scheduler, state, request)) {
    const host = state.hosts[state.positions.get(hostId) ?? -1];
    if (host !== undefined) good.push(verdictOf(scheduler, host, request));
  }
  const ranked = new Set(good.map(({ hostId }) => hostId));
  const others: HostVerdict[] = [];
  for (const host of state.hosts) {
    if (good.length + others.length >= limits.hostVerdictsMax) break;
    if (!ranked.has(host.id)) others.push(verdictOf(scheduler, host, request));
  }
  return [...good, ...others.sort((left, right) => right.score - left.score)];
}

/** Why no host fits: how many hosts each filter refused, one example, and the verdicts as details. */
export function noValidHost(scheduler: Scheduler, state: SchedulerState, request: TimedRequest): Denial {
  if (state.hosts.length === 0)
    return { reason: "noValidHost", message: "No host fits: no host is registered.", details: [] };
  const refusedBy = new Map<string, { hosts: number; example: string }>();
  for (const host of state.hosts) {
    const refusal = firstRefusal(scheduler, host, request);
    if (refusal === undefined) continue;
    const counted = refusedBy.get(refusal.filter);
    if (counted !== undefined) counted.hosts++;
    else refusedBy.set(refusal.filter, { hosts: 1, example: `${host.name}: ${refusal.sentence()}` });
  }
  const counts = [...refusedBy].map(
    ([filter, { hosts, example }]) => `the filter ${filter} refused ${hosts} (${example})`,
  );
  return {
    reason: "noValidHost",
    message: `No host fits: of ${state.hosts.length}, ${counts.join(", ")}.`,
    details: explain(scheduler, state, request),
  };
}

function firstRefusal(scheduler: Scheduler, host: HostView, request: TimedRequest) {
  for (const filter of scheduler.filters) {
    const result = filter.check(host, request);
    if (result !== true) return { filter: filter.name, sentence: result };
  }
  return undefined;
}
