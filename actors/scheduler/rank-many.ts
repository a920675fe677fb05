/**
 * Ranks hosts for many equal instances, each as if those before it were placed on their first: the same
 * answers as that many rankings with a claim after each, for little more than the price of one. What a
 * placement changes is the score of one host, and a host that a filter refuses stays refused: so hosts are
 * sorted once, by score, and only those at the top are ever asked the filters. Pure.
 */
import { limits } from "../../protocol/limits.ts";
import type { TimedRequest } from "./filters/filter.ts";
import type { Candidate } from "./messages.ts";
import { Prepared, type Scheduler } from "./prepare.ts";
import { type HostView, type SchedulerState, withClaim } from "./state.ts";

export interface RankedMany {
  /** As many as find room, at most `count`. None is empty. */
  readonly candidates: Candidate[][];
  /** With all of them supposed to be there, and the turn after them. */
  readonly supposed: SchedulerState;
  /** The members of the request's group that are supposed to be there as well. */
  readonly request: TimedRequest;
}

export function rankMany(
  scheduler: Scheduler,
  state: SchedulerState,
  request: TimedRequest,
  count: number,
): RankedMany {
  const prepared = new Prepared(scheduler, request);
  const ladder = new Ladder(prepared, [...state.hosts]);
  const candidates: Candidate[][] = [];
  const placed: string[] = [];
  while (candidates.length < count) {
    const found = ladder.best(state.turn + candidates.length);
    const [first] = found;
    if (first === undefined) break;
    candidates.push(found.map(({ hostId, score }) => ({ hostId, score })));
    placed.push(first.hostId);
    prepared.suppose(first.hostId);
    ladder.claim(first.position, request);
  }
  return {
    candidates,
    supposed: { ...state, turn: state.turn + candidates.length, hosts: ladder.hostsOver(state.hosts) },
    request: withMembers(request, placed),
  };
}

function withMembers(request: TimedRequest, hostIds: readonly string[]): TimedRequest {
  const { group } = request;
  if (group === undefined) return request;
  return { ...request, group: { ...group, hostIds: [...group.hostIds, ...hostIds] } };
}

/** Hosts of one score, in their order. */
interface Rung {
  readonly score: number;
  positions: number[];
}

interface Found extends Candidate {
  readonly position: number;
}

/** All hosts by score, best first, and among equals by position. */
class Ladder {
  readonly #prepared: Prepared;
  readonly #hosts: HostView[];
  readonly #scores: number[];
  readonly #rungs: Rung[] = [];
  readonly #changed = new Set<number>();

  constructor(prepared: Prepared, hosts: HostView[]) {
    this.#prepared = prepared;
    this.#hosts = hosts;
    this.#scores = hosts.map((host) => prepared.score(host));
    const scores = Float64Array.from(this.#scores);
    const order = Array.from(scores.keys()).sort(
      (left, right) => (scores[right] ?? 0) - (scores[left] ?? 0) || left - right,
    );
    for (const position of order) {
      const score = scores[position] ?? 0;
      const last = this.#rungs.at(-1);
      if (last?.score === score) last.positions.push(position);
      else this.#rungs.push({ score, positions: [position] });
    }
  }

  /** The best that fit; those met on the way that do not are forgotten. */
  best(turn: number): Found[] {
    const found: Found[] = [];
    const first = this.#hosts.length === 0 ? 0 : turn % this.#hosts.length;
    let empty = false;
    for (const rung of this.#rungs) {
      this.#take(rung, first, found);
      empty ||= rung.positions.length === 0;
      if (found.length === limits.candidatesMax) break;
    }
    if (empty) this.#dropEmpty();
    return found;
  }

  /** Begins at the first position from `first` on, so that equals take turns as in a single ranking. */
  #take({ score, positions }: Rung, first: number, found: Found[]): void {
    const rung = positions;
    const start = lowerBound(rung.length, (index) => (rung[index] ?? 0) >= first);
    const refused = new Set<number>();
    for (let step = 0; step < rung.length && found.length < limits.candidatesMax; step++) {
      const position = rung[(start + step) % rung.length] ?? 0;
      const host = this.#hosts[position];
      if (host !== undefined && this.#prepared.fits(host)) found.push({ hostId: host.id, score, position });
      else refused.add(position);
    }
    if (refused.size > 0) this.#forget(positions, refused);
  }

  #forget(positions: number[], refused: ReadonlySet<number>): void {
    let kept = 0;
    for (const position of positions) if (!refused.has(position)) positions[kept++] = position;
    positions.length = kept;
  }

  #dropEmpty(): void {
    let kept = 0;
    for (const rung of this.#rungs) if (rung.positions.length > 0) this.#rungs[kept++] = rung;
    this.#rungs.length = kept;
  }

  /** The claim is supposed to be there: the host goes to the rung of its new score. */
  claim(position: number, request: TimedRequest): void {
    const host = this.#hosts[position];
    if (host === undefined) throw new Error("A host that was ranked is gone.");
    const claimed = withClaim(host, request, 1);
    this.#hosts[position] = claimed;
    this.#changed.add(position);
    const before = this.#scores[position] ?? 0;
    const score = this.#prepared.score(claimed);
    if (score === before) return;
    this.#leave(before, position);
    this.#scores[position] = score;
    this.#enter(score, position);
  }

  #rungAt(score: number): number {
    return lowerBound(this.#rungs.length, (index) => (this.#rungs[index]?.score ?? 0) <= score);
  }

  #leave(score: number, position: number): void {
    const index = this.#rungAt(score);
    const positions = this.#rungs[index]?.positions ?? [];
    positions.splice(positions.indexOf(position), 1);
    if (positions.length === 0) this.#rungs.splice(index, 1);
  }

  #enter(score: number, position: number): void {
    const index = this.#rungAt(score);
    const rung = this.#rungs[index];
    if (rung?.score !== score) {
      this.#rungs.splice(index, 0, { score, positions: [position] });
      return;
    }
    const { positions } = rung;
    positions.splice(
      lowerBound(positions.length, (at) => (positions[at] ?? 0) >= position),
      0,
      position,
    );
  }

  hostsOver(hosts: SchedulerState["hosts"]): SchedulerState["hosts"] {
    let list = hosts;
    for (const position of this.#changed) {
      const host = this.#hosts[position];
      if (host !== undefined) list = list.with(position, host);
    }
    return list;
  }
}

/** The first index that is good, when all after a good one are; `length` when none is. */
function lowerBound(length: number, good: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (good(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
