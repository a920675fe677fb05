/**
 * All hosts by score, for placing many: a placement changes the score of one host, and a host that a filter
 * refuses stays refused. So hosts are sorted once, and the filters are asked only about those at the top.
 * Lives for one question, and changes while it lives.
 */
import { schedulerLimits } from "./limits.ts";
import type { Candidate } from "./messages.ts";
import type { Prepared } from "./prepare.ts";
import { scoresOf } from "./rank.ts";
import { type HostView, type SchedulerState, withClaim } from "./state.ts";

/** Positions of the hosts with one score, ascending. */
interface Rung {
  readonly score: number;
  positions: number[];
}

interface Found extends Candidate {
  readonly position: number;
}

/** Hosts by score, best first; hosts of one score by position. */
export class Ladder {
  readonly #prepared: Prepared;
  readonly #hosts: HostView[];
  readonly #scores: number[];
  readonly #rungs: Rung[] = [];
  readonly #changed = new Set<number>();

  constructor(prepared: Prepared, state: SchedulerState) {
    this.#prepared = prepared;
    this.#hosts = [...state.hosts];
    const scores = scoresOf(prepared, state);
    this.#scores = [...scores];
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

  /** The best hosts that fit; hosts that a filter refuses on the way are dropped for good. */
  best(turn: number): Found[] {
    const found: Found[] = [];
    const first = this.#hosts.length === 0 ? 0 : turn % this.#hosts.length;
    let empty = false;
    for (const rung of this.#rungs) {
      this.#take(rung, first, found);
      empty ||= rung.positions.length === 0;
      if (found.length === schedulerLimits.candidatesMax) break;
    }
    if (empty) this.#dropEmpty();
    return found;
  }

  /**
   * Takes hosts of one score that fit, beginning at the first position from `first` on, so that equals take
   * turns as in a single ranking.
   */
  #take({ score, positions }: Rung, first: number, found: Found[]): void {
    const rung = positions;
    const start = lowerBound(rung.length, (index) => (rung[index] ?? 0) >= first);
    const refused = new Set<number>();
    for (let step = 0; step < rung.length && found.length < schedulerLimits.candidatesMax; step++) {
      const position = rung[(start + step) % rung.length] ?? 0;
      const host = this.#hosts[position];
      if (host !== undefined && this.#prepared.fits(host))
        found.push({ hostId: host.id, score, position, ...this.#prepared.numaOn(host) });
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

  /** Counts the request's claim on a host, which moves to the rung of its new score. */
  claim(position: number): void {
    const host = this.#hosts[position];
    if (host === undefined) throw new Error("A host that was ranked is gone.");
    this.#prepared.suppose(host);
    const claimed = withClaim(host, this.#prepared.request, 1);
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

/** Binary search: the first good index, if all after a good one are good; `length` when none is. */
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
