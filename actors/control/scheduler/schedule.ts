/**
 * The chosen filters and weighers, sorted by what they look at: some at the host alone, which can be worked
 * out before any request; some at one amount; the others at the whole request. Pure.
 */
import type { Filter, HostFilter, RequestFilter } from "./filters/filter.ts";
import { filters as ownFilters } from "./filters/index.ts";
import { guardedFilter, guardedWeigher, type NoteFault } from "./foreign.ts";
import type { Amounts } from "./messages.ts";
import type { HostView } from "./state.ts";
import { weighers as ownWeighers } from "./weighers/index.ts";
import type { FreeWeigher, GroupWeigher, HostWeigher, Weigher } from "./weighers/weigher.ts";

/** Filters and weighers that are not ours. */
export interface ForeignParts {
  readonly filters: readonly Filter[];
  readonly weighers: readonly Weigher[];
}

export interface SchedulerOptions {
  /** What plug-ins bring; absent: nothing. */
  readonly foreign?: ForeignParts;
  /** Hears of faults of these. */
  readonly note?: NoteFault;
  /** Names of filters, in the order in which they are asked; absent: all, ours first. */
  readonly filters?: readonly string[];
  /** Names of weighers and their multipliers; absent: all, each with its own multiplier. */
  readonly weighers?: Readonly<Record<string, number>>;
}

type Weighted<T> = T & { readonly multiplier: number };

export interface Scheduler {
  readonly filters: readonly Filter[];
  readonly hostFilters: readonly HostFilter[];
  readonly requestFilters: readonly RequestFilter[];
  readonly freeWeighers: readonly Weighted<FreeWeigher>[];
  /** `freeWeighers` whose multiplier is not 0; these have a column each. */
  readonly columnWeighers: readonly Weighted<FreeWeigher>[];
  readonly hostWeighers: readonly Weighted<HostWeigher>[];
  readonly groupWeighers: readonly Weighted<GroupWeigher>[];
  /** How often a filter or weigher of a plug-in has failed: what was worked out meanwhile is not to last. */
  readonly faults: { count: number };
}

/**
 * Makes a scheduler of the chosen filters and weighers. @throws Error that lists the known names, for an
 * unknown one
 */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const faults = { count: 0 };
  const note: NoteFault = (name, what) => {
    faults.count += 1;
    options.note?.(name, what);
  };
  const { filters: allFilters, weighers: allWeighers } = available(options.foreign, note);
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
    faults,
  };
}

/** Ours, and those of plug-ins in their coats. */
function available(foreign: ForeignParts | undefined, note: NoteFault): ForeignParts {
  if (foreign === undefined) return { filters: ownFilters, weighers: ownWeighers };
  return {
    filters: [...ownFilters, ...foreign.filters.map((filter) => guardedFilter(filter, note))],
    weighers: [...ownWeighers, ...foreign.weighers.map((weigher) => guardedWeigher(weigher, note))],
  };
}

function pick<T extends { readonly name: string }>(list: readonly T[], name: string, what: string): T {
  const found = list.find((item) => item.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `There is no scheduler ${what} "${name}". There are: ${list.map((item) => item.name).join(", ")}.`,
  );
}

/** True when aggregates of the host change the multiplier of a free weigher. */
export function hasOwnColumns({ freeWeighers }: Scheduler, { aggregates }: HostView): boolean {
  const { multipliers } = aggregates;
  if (multipliers === undefined) return false;
  return freeWeighers.some(({ name, novaName }) => multipliers.has(name) || multipliers.has(novaName));
}

/** A weigher's multiplier for a host: that of the host's aggregates, if they set one. */
export function multiplierFor({ name, novaName, multiplier }: Weigher, { aggregates }: HostView): number {
  const { multipliers } = aggregates;
  if (multipliers === undefined) return multiplier;
  return multipliers.get(name) ?? multipliers.get(novaName) ?? multiplier;
}

/** The score by the weighers that look at the host alone. */
export function ownScore({ hostWeighers }: Scheduler, host: HostView): number {
  let score = 0;
  for (const weigher of hostWeighers) {
    const multiplier = multiplierFor(weigher, host);
    if (multiplier !== 0) score += multiplier * weigher.weigh(host);
  }
  return score;
}

/** The free part of an amount, and the whole; a host without any of it has 0 of 1. */
export function freeOf({ capacity, claimed }: HostView, amount: keyof Amounts) {
  const all = capacity[amount];
  return all > 0 ? { left: all - claimed[amount], all } : { left: 0, all: 1 };
}

/** The share that would still be free after the request, 0 to 1. */
export function freeShare(left: number, all: number, asked: number): number {
  const share = (left - asked) / all;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}
