/**
 * Ranks hosts for one request: every filter must pass, the sum of the weighers decides, equals take turns. No
 * sentences are made, and the filters that look at the request are asked only about hosts with a good enough
 * score: a ranking of ten thousand hosts takes a fraction of a millisecond. Pure.
 */
import type { TimedRequest } from "./filters/filter.ts";
import { type Worth, worthOf } from "./host-columns.ts";
import { type Chunk, chunkLength } from "./host-list.ts";
import { schedulerLimits } from "./limits.ts";
import type { Candidate } from "./messages.ts";
import { Prepared } from "./prepare.ts";
import type { Scheduler } from "./schedule.ts";
import { type HostView, type SchedulerState, viewIn } from "./state.ts";

/** The best hosts first, at most schedulerLimits.candidatesMax; empty when none fits. */
export const rank = (scheduler: Scheduler, state: SchedulerState, request: TimedRequest): Candidate[] =>
  rankPrepared(new Prepared(scheduler, request), state);

/** As `rank`, for a prepared request. */
export function rankPrepared(prepared: Prepared, state: SchedulerState): Candidate[] {
  const { hosts, turn } = state;
  const withNuma = (found: Candidate): Candidate => ({
    ...found,
    ...prepared.numaOn(viewIn(state, found.hostId)),
  });
  const best = new Best(prepared, placesOf(prepared.weighedMembers, state));
  // Begins at the next host every time, and a later host must have a higher score to go before an earlier
  // one: equals take turns.
  const first = hosts.length === 0 ? 0 : turn % hosts.length;
  const { only } = prepared;
  if (only === undefined) {
    best.consider(hosts.chunks, first, hosts.length);
    best.consider(hosts.chunks, 0, first);
    return best.candidates.map(withNuma);
  }
  const places = [...placesOf(only, state)].sort((left, right) => left - right);
  const start = places.findIndex((place) => place >= first);
  const turned = start < 0 ? places : [...places.slice(start), ...places.slice(0, start)];
  for (const place of turned) best.consider(hosts.chunks, place, place + 1);
  return best.candidates.map(withNuma);
}

function placesOf(hostIds: Iterable<string>, { positions }: SchedulerState): Set<number> {
  const places = new Set<number>();
  for (const hostId of hostIds) {
    const position = positions.get(hostId);
    if (position !== undefined) places.add(position);
  }
  return places;
}

/** The best hosts so far. */
class Best {
  readonly candidates: Candidate[] = [];
  readonly #prepared: Prepared;
  /** Positions of the hosts whose score the group changes, and the chunks that have any. */
  readonly #drawn: ReadonlySet<number>;
  readonly #drawnChunks: ReadonlySet<number>;
  /** A host needs a higher score than this to become a candidate. */
  #least = Number.NEGATIVE_INFINITY;

  constructor(prepared: Prepared, drawn: ReadonlySet<number>) {
    this.#prepared = prepared;
    this.#drawn = drawn;
    this.#drawnChunks = new Set([...drawn].map(chunkOf));
  }

  /** Considers the hosts at the positions from `from` to before `to`. */
  consider(chunks: readonly Chunk<HostView>[], from: number, to: number): void {
    for (let start = from; start < to; ) {
      const number = chunkOf(start);
      const first = number * chunkLength;
      const end = Math.min(to, first + chunkLength);
      const chunk = chunks[number];
      if (chunk !== undefined) this.#considerChunk(chunk, first, start - first, end - first);
      start = end;
    }
  }

  /**
   * Considers part of a chunk. Weighs before it filters: of thousands of hosts only few have a good enough
   * score.
   */
  #considerChunk(chunk: Chunk<HostView>, first: number, from: number, to: number): void {
    const prepared = this.#prepared;
    const worth = worthOf(prepared, chunk);
    const isDrawn = this.#drawnChunks.has(chunkOf(first));
    if ((worth.scoreMax <= this.#least && !isDrawn) || prepared.overtaxes(worth)) return;
    for (let index = from; index < to; index++) {
      const host = chunk.hosts[index];
      if (host === undefined || worth.open[index] === 0) continue;
      // While there are too few candidates, every score is good enough: filter first, as weighing may be in
      // vain.
      const mayJoin = this.#least === Number.NEGATIVE_INFINITY;
      if (mayJoin && !prepared.fitsOpen(host)) continue;
      const score =
        worth.special[index] === 1 || (isDrawn && this.#drawn.has(first + index))
          ? prepared.score(host)
          : prepared.columnScore(worth, index);
      if (score > this.#least && (mayJoin || prepared.fitsOpen(host)))
        this.#insert({ hostId: host.id, score });
    }
  }

  #insert(candidate: Candidate): void {
    const best = this.candidates;
    let position = best.length;
    while (position > 0 && (best[position - 1]?.score ?? 0) < candidate.score) position--;
    best.splice(position, 0, candidate);
    if (best.length > schedulerLimits.candidatesMax) best.pop();
    this.#least = best[schedulerLimits.candidatesMax - 1]?.score ?? Number.NEGATIVE_INFINITY;
  }
}

const chunkOf = (position: number): number => Math.floor(position / chunkLength);

/** The score of every host, in the hosts' order, whether it fits or not. */
export function scoresOf(prepared: Prepared, { hosts }: SchedulerState): Float64Array {
  const members = new Set(prepared.weighedMembers);
  const scores = new Float64Array(hosts.length);
  let position = 0;
  for (const chunk of hosts.chunks) {
    const worth = worthOf(prepared, chunk);
    for (let index = 0; index < chunk.hosts.length; index++, position++) {
      const host = chunk.hosts[index];
      if (host !== undefined) scores[position] = scoreOf(prepared, worth, { host, index, members });
    }
  }
  return scores;
}

interface Placed {
  readonly host: HostView;
  readonly index: number;
  readonly members: ReadonlySet<string>;
}

function scoreOf(prepared: Prepared, worth: Worth, { host, index, members }: Placed): number {
  const isSpecial = worth.special[index] === 1 || (members.size > 0 && members.has(host.id));
  return isSpecial ? prepared.score(host) : prepared.columnScore(worth, index);
}
