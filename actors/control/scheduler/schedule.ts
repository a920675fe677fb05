/**
 * The filters and weighers that were chosen, sorted by what they look at: some at the host alone, which can
 * be worked out before anybody asks; some at one amount; the others at the whole request. Pure.
 */
import type { Filter, HostFilter, RequestFilter } from "./filters/filter.ts";
import { filters as allFilters } from "./filters/index.ts";
import type { Amounts } from "./messages.ts";
import type { HostView } from "./state.ts";
import { weighers as allWeighers } from "./weighers/index.ts";
import type { FreeWeigher, GroupWeigher, HostWeigher, Weigher } from "./weighers/weigher.ts";

export interface SchedulerOptions {
  /** Names, in the order in which they are asked; absent: all there are. */
  readonly filters?: readonly string[];
  /** Name and multiplier; absent: all there are, each with its own multiplier. */
  readonly weighers?: Readonly<Record<string, number>>;
}

type Weighted<T> = T & { readonly multiplier: number };

export interface Scheduler {
  readonly filters: readonly Filter[];
  readonly hostFilters: readonly HostFilter[];
  readonly requestFilters: readonly RequestFilter[];
  readonly freeWeighers: readonly Weighted<FreeWeigher>[];
  /** Those of them that are not off. */
  readonly columnWeighers: readonly Weighted<FreeWeigher>[];
  readonly hostWeighers: readonly Weighted<HostWeigher>[];
  readonly groupWeighers: readonly Weighted<GroupWeigher>[];
}

/** The chosen filters and weighers. @throws Error that lists what there is, for a name that is unknown */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const names = options.filters ?? allFilters.map(({ name }) => name);
  const multipliers =
    options.weighers ?? Object.fromEntries(allWeighers.map(({ name, multiplier }) => [name, multiplier]));
  const filters = names.map((name) => pick(allFilters, name, "filter"));
  const weighers = Object.entries(multipliers).map(
    ([name, multiplier]): Weigher => ({ ...pick(allWeighers, name, "weigher"), multiplier }),
  );
  const freeWeighers = weighers.filter((weigher) => "amount" in weigher);
  return {
    filters,
    hostFilters: filters.filter((filter) => "check" in filter),
    requestFilters: filters.filter((filter) => "prepare" in filter),
    freeWeighers,
    columnWeighers: freeWeighers.filter(({ multiplier }) => multiplier !== 0),
    hostWeighers: weighers.filter((weigher) => "weigh" in weigher),
    groupWeighers: weighers.filter((weigher) => "policy" in weigher),
  };
}

function pick<T extends { readonly name: string }>(list: readonly T[], name: string, what: string): T {
  const found = list.find((item) => item.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no scheduler ${what} "${name}". There are: ${list.map((item) => item.name).join(", ")}.`,
  );
}

/** Aggregates of the host have another multiplier for a weigher of what is free. */
export function hasOwnColumns({ freeWeighers }: Scheduler, { aggregates }: HostView): boolean {
  const { multipliers } = aggregates;
  if (multipliers === undefined) return false;
  return freeWeighers.some(({ name, novaName }) => multipliers.has(name) || multipliers.has(novaName));
}

/** The host's aggregates have the last word. */
export function multiplierFor({ name, novaName, multiplier }: Weigher, { aggregates }: HostView): number {
  const { multipliers } = aggregates;
  if (multipliers === undefined) return multiplier;
  return multipliers.get(name) ?? multipliers.get(novaName) ?? multiplier;
}

/** What the weighers give together that look at the host alone. */
export function ownScore({ hostWeighers }: Scheduler, host: HostView): number {
  let score = 0;
  for (const weigher of hostWeighers) {
    const multiplier = multiplierFor(weigher, host);
    if (multiplier !== 0) score += multiplier * weigher.weigh(host);
  }
  return score;
}

/** What is left of an amount and of how much; a host without any has nothing left of one. */
export function freeOf({ capacity, claimed }: HostView, amount: keyof Amounts) {
  const all = capacity[amount];
  return all > 0 ? { left: all - claimed[amount], all } : { left: 0, all: 1 };
}

/** The part of the whole that would still be free afterwards, 0 to 1. */
export function freeShare(left: number, all: number, asked: number): number {
  const share = (left - asked) / all;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}
