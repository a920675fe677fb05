/**
 * Ranks hosts for one request: every filter must pass, the weighers' sum decides, equals take turns. Only
 * explanations make sentences, so a ranking of ten thousand hosts stays below a millisecond. Pure.
 */
import { limits } from "../../protocol/limits.ts";
import type { TimedRequest } from "./filters/filter.ts";
import { filters as allFilters } from "./filters/index.ts";
import type { Candidate } from "./messages.ts";
import { Prepared, type Scheduler } from "./prepare.ts";
import type { SchedulerState } from "./state.ts";
import { weighers as allWeighers } from "./weighers/index.ts";

export interface SchedulerOptions {
  /** Names, in the order in which they are asked; absent: all there are. */
  readonly filters?: readonly string[];
  /** Name and multiplier; absent: all there are, each with its own multiplier. */
  readonly weighers?: Readonly<Record<string, number>>;
}

/** The chosen filters and weighers. @throws Error that lists what there is, for a name that is unknown */
export function createScheduler(options: SchedulerOptions = {}): Scheduler {
  const filterNames = options.filters ?? allFilters.map(({ name }) => name);
  const multipliers =
    options.weighers ?? Object.fromEntries(allWeighers.map(({ name, multiplier }) => [name, multiplier]));
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
export const rank = (scheduler: Scheduler, state: SchedulerState, request: TimedRequest): Candidate[] =>
  rankPrepared(new Prepared(scheduler, request), state);

/** The same for a request that was prepared before. */
export function rankPrepared(prepared: Prepared, { hosts, turn }: SchedulerState): Candidate[] {
  const best: Candidate[] = [];
  // Begins at another host every time, and a later one must be better to go before an earlier one: equals
  // take turns.
  const first = hosts.length === 0 ? 0 : turn % hosts.length;
  consider(prepared, hosts, { from: first, to: hosts.length, best });
  consider(prepared, hosts, { from: 0, to: first, best });
  return best;
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly best: Candidate[];
}

/** Weighs before it filters: of thousands of hosts only few are good enough to be asked every filter. */
function consider(prepared: Prepared, hosts: SchedulerState["hosts"], { from, to, best }: Range): void {
  let least = leastOf(best);
  for (let position = from; position < to; position++) {
    const host = hosts.at(position);
    if (host === undefined) continue;
    const score = prepared.score(host);
    if (score <= least || !prepared.fits(host)) continue;
    insert(best, { hostId: host.id, score });
    least = leastOf(best);
  }
}

/** A host must be better than this to be among the best. */
const leastOf = (best: readonly Candidate[]): number =>
  best[limits.candidatesMax - 1]?.score ?? Number.NEGATIVE_INFINITY;

function insert(best: Candidate[], candidate: Candidate): void {
  let position = best.length;
  while (position > 0 && (best[position - 1]?.score ?? 0) < candidate.score) position--;
  best.splice(position, 0, candidate);
  if (best.length > limits.candidatesMax) best.pop();
}
