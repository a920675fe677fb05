/**
 * A request prepared for thousands of hosts: what each filter and weigher needs of it is worked out once, and
 * those that it does not concern are left out. Lives for one question. Pure, but for what {@link
 * Prepared.suppose} adds while many are placed.
 */
import type { Check, Filter, Refuse, TimedRequest } from "./filters/filter.ts";
import type { Worth } from "./host-columns.ts";
import type { Amounts, Candidate, Stored } from "./messages.ts";
import { type NumaDemand, numaDemand, placementFor } from "./numa.ts";
import { freeOf, freeShare, multiplierFor, ownScore, type Scheduler } from "./schedule.ts";
import type { HostView } from "./state.ts";

interface ActiveFilter {
  readonly filter: Filter;
  readonly check: Check;
}

export class Prepared {
  readonly scheduler: Scheduler;
  /** The filters that the request concerns, in the order in which they are asked. */
  readonly filters: readonly ActiveFilter[];
  readonly request: TimedRequest;
  readonly #members = new Map<string, number>();
  readonly #stored = new Map<string, number>();
  readonly #demand: NumaDemand | undefined;
  readonly #group: Scheduler["groupWeighers"];
  /** Checks of the filters that look at the request; the others' results are in the hosts' worth. */
  readonly #checks: Check[];
  readonly #amounts: readonly (keyof Amounts)[];
  /** By column of the hosts' worth. */
  readonly #asked: readonly number[];
  readonly #multipliers: readonly number[];

  constructor(scheduler: Scheduler, request: TimedRequest) {
    this.scheduler = scheduler;
    this.request = request;
    const demand = numaDemand(request);
    this.#demand = typeof demand === "object" ? demand : undefined;
    for (const hostId of request.group?.hostIds ?? []) this.#join(hostId);
    const [members, stored] = [this.#members, this.#stored];
    this.filters = scheduler.filters.flatMap((filter) => {
      const check = "check" in filter ? filter.check : filter.prepare(request, members, stored);
      return check === undefined ? [] : [{ filter, check }];
    });
    this.#checks = this.filters.filter(({ filter }) => "prepare" in filter).map(({ check }) => check);
    this.#amounts = scheduler.requestFilters.flatMap(({ amount }) => (amount === undefined ? [] : [amount]));
    this.#asked = scheduler.columnWeighers.map(({ amount }) => request[amount]);
    this.#multipliers = scheduler.columnWeighers.map(({ multiplier }) => multiplier);
    this.#group = scheduler.groupWeighers.filter(({ policy }) => policy === request.group?.policy);
  }

  /** Ids of the only hosts that can fit: the shortest list that a filter names; undefined: any may. */
  get only(): ReadonlySet<string> | undefined {
    const named = this.scheduler.requestFilters.flatMap((filter) => {
      const ids = filter.only?.(this.request, this.#members);
      return ids === undefined ? [] : [new Set(ids)];
    });
    return named.sort((left, right) => left.size - right.size)[0];
  }

  /** The hosts with members of the group: the group changes the score of no others. */
  get weighedMembers(): Iterable<string> {
    return this.#group.length === 0 ? [] : this.#members.keys();
  }

  /** What {@link suppose} has placed on storages that hosts share. */
  get stored(): Stored {
    return this.#stored;
  }

  /** One more is placed on this host: a member of the request's group, with its disk. */
  suppose({ id, storageId }: Pick<HostView, "id" | "storageId">): void {
    this.#join(id);
    if (storageId === null) return;
    this.#stored.set(storageId, (this.#stored.get(storageId) ?? 0) + this.request.diskGib);
  }

  #join(hostId: string): void {
    this.#members.set(hostId, (this.#members.get(hostId) ?? 0) + 1);
  }

  /** True when no host of the chunk has room. */
  overtaxes({ freeMax }: Worth): boolean {
    for (const amount of this.#amounts) {
      const asked = this.request[amount];
      if (asked > 0 && asked > freeMax[amount]) return true;
    }
    return false;
  }

  /**
   * Whether a host fits whose filters that look at the host alone pass. A check that refuses moves up one
   * place: those that refuse often come to be asked first, and the order changes no answer.
   */
  fitsOpen(host: HostView): boolean {
    const checks = this.#checks;
    for (let index = 0; index < checks.length; index++) {
      const check = checks[index];
      if (check === undefined || check(host) === true) continue;
      const before = checks[index - 1];
      if (before !== undefined) {
        checks[index - 1] = check;
        checks[index] = before;
      }
      return false;
    }
    return true;
  }

  fits(host: HostView): boolean {
    for (const { check } of this.filters) if (check(host) !== true) return false;
    return true;
  }

  /** The score from the columns: equal to {@link score} without the group, for a host that is not special. */
  columnScore({ free, whole, own }: Worth, index: number): number {
    let score = 0;
    for (let column = 0; column < free.length; column++) {
      const share = freeShare(
        free[column]?.[index] ?? 0,
        whole[column]?.[index] ?? 1,
        this.#asked[column] ?? 0,
      );
      score += (this.#multipliers[column] ?? 0) * share;
    }
    return score + (own[index] ?? 0);
  }

  /** The score of any host, whether it fits or not. */
  score(host: HostView): number {
    let score = 0;
    for (const weigher of this.scheduler.freeWeighers)
      score += multiplierFor(weigher, host) * this.#share(weigher, host);
    return score + ownScore(this.scheduler, host) + this.groupScore(host);
  }

  #share({ amount }: Scheduler["freeWeighers"][number], host: HostView): number {
    const { left, all } = freeOf(host, amount);
    return freeShare(left, all, this.request[amount]);
  }

  groupScore(host: HostView): number {
    let score = 0;
    for (const weigher of this.#group)
      score += multiplierFor(weigher, host) * weigher.weighCount(this.#members.get(host.id) ?? 0);
    return score;
  }

  /** The weight of each weigher times its multiplier; zeros are left out. */
  weights(host: HostView): Record<string, number> {
    const { freeWeighers, hostWeighers } = this.scheduler;
    const given: [string, number][] = [
      ...freeWeighers.map((one): [string, number] => [
        one.name,
        multiplierFor(one, host) * this.#share(one, host),
      ]),
      ...hostWeighers.map((one): [string, number] => [one.name, multiplierFor(one, host) * one.weigh(host)]),
      ...this.#group.map(({ name }): [string, number] => [name, this.groupScore(host)]),
    ];
    return Object.fromEntries(given.filter(([, weight]) => weight !== 0));
  }

  /**
   * What the request gets of the host's NUMA nodes, as a part of the candidate; empty when it asks for no
   * NUMA placement.
   */
  numaOn(host: HostView | undefined): Pick<Candidate, "numa"> {
    if (this.#demand === undefined || host === undefined) return {};
    const numa = placementFor(host, this.#demand);
    return numa === undefined ? {} : { numa };
  }

  /** Every filter that refuses the host, in the order in which they are asked. */
  refusals(host: HostView): { readonly filter: Filter; readonly refuse: Refuse }[] {
    return this.filters.flatMap(({ filter, check }) => {
      const result = check(host);
      return result === true ? [] : [{ filter, refuse: result }];
    });
  }
}
