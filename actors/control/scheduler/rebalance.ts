/**
 * Proposes moves that even out the hosts' loads. Pure, and only a proposal. Greedy: each move is the best one
 * found from the most loaded hosts to the least loaded; it passes every filter at its target, as if all moves
 * before were done, and must lower the spread by a least amount. Whoever makes the moves asks the scheduler
 * again, as time has passed.
 */
import { schedulerLimits } from "./limits.ts";
import type { PlacementRequest } from "./messages.ts";
import { Prepared } from "./prepare.ts";
import type { Scheduler } from "./schedule.ts";
import { type HostView, type SchedulerState, viewIn, withClaim, withHost } from "./state.ts";

export interface RebalanceInstance {
  readonly id: string;
  readonly hostId: string;
  /** Its size and wishes; as in any ranking, the group's `hostIds` are without its own host. */
  readonly request: PlacementRequest;
  /** True when it may be moved; else why not, as a sentence without its full stop. */
  readonly movable: true | string;
}

export interface RebalanceLimits {
  readonly movesMax: number;
  /** The least by which a move must lower the spread. */
  readonly gainMin: number;
}

export interface Move {
  readonly instanceId: string;
  readonly fromHostId: string;
  readonly toHostId: string;
  /** By how much it lowers the spread. */
  readonly gain: number;
}

export interface Rebalance {
  /** Standard deviation of the hosts' loads; a load is the mean of how full memory and CPUs are, 0 to 1. */
  readonly spreadBefore: number;
  readonly spreadAfter: number;
  /** In the order in which they are to be made. */
  readonly moves: readonly Move[];
  /** Number of instances that may not be moved, by the reason. */
  readonly unmovable: ReadonlyMap<string, number>;
  /** Why there are no more moves. */
  readonly end: "movesMax" | "noBetterMove";
}

export interface RebalanceQuestion {
  readonly scheduler: Scheduler;
  readonly state: SchedulerState;
  readonly instances: readonly RebalanceInstance[];
  readonly limits: RebalanceLimits;
  /** Monotonic. */
  readonly atMs: number;
}

export function rebalance(question: RebalanceQuestion): Rebalance {
  const plan = new Plan(question);
  const spreadBefore = plan.spread;
  const { movesMax, gainMin } = question.limits;
  const moves: Move[] = [];
  let end: Rebalance["end"] = "movesMax";
  while (moves.length < movesMax) {
    const move = plan.bestMove(gainMin);
    if (move === undefined) {
      end = "noBetterMove";
      break;
    }
    plan.make(move);
    moves.push({ instanceId: move.instance.id, fromHostId: move.from, toHostId: move.to, gain: move.gain });
  }
  return { spreadBefore, spreadAfter: plan.spread, moves, unmovable: unmovable(question.instances), end };
}

function unmovable(instances: readonly RebalanceInstance[]): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>();
  for (const { movable } of instances)
    if (movable !== true) reasons.set(movable, (reasons.get(movable) ?? 0) + 1);
  return reasons;
}

/** The load of a host: 0 (empty) to 1 (full) and, on a host that offers less than is claimed, beyond. */
export function loadOf({ capacity, claimed }: HostView): number {
  const share = (part: number, whole: number) => (whole > 0 ? part / whole : 0);
  return (share(claimed.memoryMib, capacity.memoryMib) + share(claimed.vcpus, capacity.vcpus)) / 2;
}

interface Considered {
  readonly instance: RebalanceInstance;
  readonly from: string;
  readonly to: string;
  readonly gain: number;
}

/** The hosts as if all moves so far were done. */
class Plan {
  readonly #question: RebalanceQuestion;
  readonly #movable = new Map<string, RebalanceInstance[]>();
  /** By group, the host of each member. */
  readonly #groups = new Map<string, readonly string[]>();
  readonly #loads = new Map<string, number>();
  #state: SchedulerState;
  #sum = 0;
  #squares = 0;

  constructor(question: RebalanceQuestion) {
    this.#question = question;
    this.#state = question.state;
    for (const host of question.state.hosts) this.#enter(host.id, loadOf(host));
    for (const instance of question.instances) {
      const { group } = instance.request;
      if (group !== undefined && !this.#groups.has(group.id))
        this.#groups.set(group.id, [...group.hostIds, instance.hostId]);
      if (instance.movable !== true) continue;
      const there = this.#movable.get(instance.hostId) ?? [];
      there.push(instance);
      this.#movable.set(instance.hostId, there);
    }
  }

  get spread(): number {
    return spreadOf(this.#sum, this.#squares, this.#loads.size);
  }

  #enter(hostId: string, load: number): void {
    const before = this.#loads.get(hostId) ?? 0;
    this.#sum += load - before;
    this.#squares += load ** 2 - before ** 2;
    this.#loads.set(hostId, load);
  }

  /**
   * The best move from the most loaded hosts with movable instances to the least loaded hosts that take one.
   */
  bestMove(gainMin: number): Considered | undefined {
    const order = [...this.#loads].sort(([, left], [, right]) => right - left).map(([hostId]) => hostId);
    const givers = order.filter((hostId) => (this.#movable.get(hostId)?.length ?? 0) > 0);
    const takers = order.toReversed().slice(0, schedulerLimits.rebalanceTargetsMax);
    for (const from of givers.slice(0, schedulerLimits.rebalanceSourcesMax)) {
      let best: Considered | undefined;
      for (const instance of this.#movable.get(from) ?? []) {
        const found = this.#bestTarget(instance, takers, Math.max(gainMin, best?.gain ?? 0));
        best = found ?? best;
      }
      if (best !== undefined) return best;
    }
    return undefined;
  }

  /** The first of the least loaded hosts that takes the instance with at least the least gain. */
  #bestTarget(
    instance: RebalanceInstance,
    takers: readonly string[],
    gainMin: number,
  ): Considered | undefined {
    const prepared = new Prepared(this.#question.scheduler, {
      ...this.#requestOf(instance),
      atMs: this.#question.atMs,
    });
    for (const to of takers) {
      const gain = this.#gain(instance, to);
      const host = viewIn(this.#state, to);
      if (to === instance.hostId || gain <= gainMin || host === undefined || !prepared.fits(host)) continue;
      return { instance, from: instance.hostId, to, gain };
    }
    return undefined;
  }

  /** The request to place an instance, without itself as a member of its group. */
  #requestOf({ request, hostId }: RebalanceInstance): PlacementRequest {
    const { group } = request;
    if (group === undefined) return request;
    const hostIds = without(this.#groups.get(group.id) ?? [], hostId);
    return { ...request, group: { ...group, hostIds } };
  }

  #gain(instance: RebalanceInstance, to: string): number {
    const [source, target] = [viewIn(this.#state, instance.hostId), viewIn(this.#state, to)];
    if (source === undefined || target === undefined) return 0;
    const before = [loadOf(source), loadOf(target)];
    const after = [
      loadOf(withClaim(source, instance.request, -1)),
      loadOf(withClaim(target, instance.request, 1)),
    ];
    const difference = (power: number) =>
      after.reduce((sum, load) => sum + load ** power, 0) -
      before.reduce((sum, load) => sum + load ** power, 0);
    const spread = spreadOf(this.#sum + difference(1), this.#squares + difference(2), this.#loads.size);
    return this.spread - spread;
  }

  /** Makes a move in the plan. Each instance is moved once at most: moving it back and forth is no plan. */
  make({ instance, from, to }: Considered): void {
    const { request } = instance;
    const claimed = withHost(this.#state, from, (view) => withClaim(view, request, -1));
    this.#state = withHost(claimed, to, (view) => withClaim(view, request, 1));
    for (const hostId of [from, to]) {
      const view = viewIn(this.#state, hostId);
      if (view !== undefined) this.#enter(hostId, loadOf(view));
    }
    this.#movable.set(
      from,
      (this.#movable.get(from) ?? []).filter((one) => one !== instance),
    );
    const { group } = request;
    if (group !== undefined)
      this.#groups.set(group.id, [...without(this.#groups.get(group.id) ?? [], from), to]);
  }
}

/** The list without one occurrence of the host. */
function without(hostIds: readonly string[], hostId: string): readonly string[] {
  const index = hostIds.indexOf(hostId);
  return index < 0 ? hostIds : hostIds.toSpliced(index, 1);
}

/** Standard deviation; rounding errors of the running sums must not make it NaN. */
const spreadOf = (sum: number, squares: number, count: number): number =>
  count === 0 ? 0 : Math.sqrt(Math.max(0, squares / count - (sum / count) ** 2));
