/**
 * What a chunk of hosts is worth to any request, in columns of numbers: the free amounts, the score by the
 * weighers that look at the host alone, and whether the filters that look at the host alone pass. A ranking
 * reads these instead of ten thousand hosts, and skips a chunk whose best host cannot be good enough. Made on
 * first use; pure but for being kept with its chunk.
 */
import type { Chunk } from "./host-list.ts";
import { schedulerLimits } from "./limits.ts";
import { freeOf, freeShare, hasOwnColumns, ownScore, type Scheduler } from "./schedule.ts";
import type { HostView } from "./state.ts";

export class Worth {
  readonly scheduler: Scheduler;
  /** One column for each of {@link Scheduler.columnWeighers}: its amount free, and the whole. */
  readonly free: readonly Float64Array[];
  readonly whole: readonly Float64Array[];
  /** Score by the weighers that look at the host alone. */
  readonly own: Float64Array;
  /** 1: the filters that look at the host alone pass. */
  readonly open: Uint8Array;
  /** 1: aggregates of the host change multipliers, so the columns do not give its score. */
  readonly special: Uint8Array;
  /** No open host has a higher score, whatever the request, before the group's part. */
  scoreMax = Number.NEGATIVE_INFINITY;
  /** The most that is free on any open host. */
  readonly freeMax = { vcpus: nothing, memoryMib: nothing, diskGib: nothing };
  /** Monotonic time until which it holds while no host changes: a weigher that failed is asked again. */
  readonly untilMs: number;

  constructor(scheduler: Scheduler, hosts: readonly HostView[], atMs: number) {
    const faults = scheduler.faults.count;
    const column = () => new Float64Array(hosts.length);
    this.scheduler = scheduler;
    this.free = scheduler.columnWeighers.map(column);
    this.whole = scheduler.columnWeighers.map(column);
    this.own = column();
    this.open = new Uint8Array(hosts.length);
    this.special = new Uint8Array(hosts.length);
    hosts.forEach((host, index) => {
      this.#enter(host, index);
    });
    const failed = scheduler.faults.count !== faults;
    this.untilMs = failed ? atMs + schedulerLimits.failedWeigherRetryMs : Number.POSITIVE_INFINITY;
  }

  #enter(host: HostView, index: number): void {
    const own = ownScore(this.scheduler, host);
    const isSpecial = hasOwnColumns(this.scheduler, host);
    this.own[index] = own;
    this.special[index] = isSpecial ? 1 : 0;
    const bound = own + this.#enterFree(host, index);
    if (!isOpen(this.scheduler, host)) return;
    this.open[index] = 1;
    this.scoreMax = Math.max(this.scoreMax, isSpecial ? Number.POSITIVE_INFINITY : bound);
    for (const amount of amounts)
      this.freeMax[amount] = Math.max(this.freeMax[amount], host.capacity[amount] - host.claimed[amount]);
  }

  /**
   * Enters the free amounts; answers the most that the free weighers can give, to a request for nothing. A
   * weigher with a negative multiplier gives at most 0.
   */
  #enterFree(host: HostView, index: number): number {
    let bound = 0;
    for (let column = 0; column < this.free.length; column++) {
      const { amount, multiplier } = this.scheduler.columnWeighers[column] ?? {
        amount: "vcpus",
        multiplier: 0,
      };
      const { left, all } = freeOf(host, amount);
      const [free, whole] = [this.free[column], this.whole[column]];
      if (free !== undefined) free[index] = left;
      if (whole !== undefined) whole[index] = all;
      if (multiplier > 0) bound += multiplier * freeShare(left, all, 0);
    }
    return bound;
  }
}

const nothing: number = Number.NEGATIVE_INFINITY;

interface Asked {
  readonly scheduler: Scheduler;
  readonly request: { readonly atMs: number };
}

export function worthOf({ scheduler, request: { atMs } }: Asked, chunk: Chunk<HostView>): Worth {
  const { worth } = chunk;
  if (worth instanceof Worth && worth.scheduler === scheduler && atMs < worth.untilMs) return worth;
  const worked = new Worth(scheduler, chunk.hosts, atMs);
  chunk.worth = worked;
  return worked;
}

const amounts = ["vcpus", "memoryMib", "diskGib"] as const;

function isOpen({ hostFilters }: Scheduler, host: HostView): boolean {
  for (const { check } of hostFilters) if (check(host) !== true) return false;
  return true;
}
