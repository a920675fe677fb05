/**
 * Ranks hosts for many equal instances, each as if those before it were placed on their first: the same
 * answers as that many rankings with a claim after each. A few are just that; for many, a ladder of all hosts
 * is made once, for the price of some dozens of rankings. Pure.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { TimedRequest } from "./filters/filter.ts";
import { Ladder } from "./ladder.ts";
import type { Candidate } from "./messages.ts";
import { Prepared } from "./prepare.ts";
import { rankPrepared } from "./rank.ts";
import type { Scheduler } from "./schedule.ts";
import { type SchedulerState, withClaim, withHost } from "./state.ts";

export interface RankedMany {
  /** As many as find room, at most `count`. None is empty. */
  readonly candidates: readonly (readonly Candidate[])[];
  /** With all of them supposed to be there, and the turn after them. */
  readonly supposed: SchedulerState;
  /** The request of the next one: a group has these as members. */
  readonly request: TimedRequest;
}

export function rankMany(
  scheduler: Scheduler,
  state: SchedulerState,
  request: TimedRequest,
  count: number,
): RankedMany {
  const ranked = count <= limits.rankedOneByOneMax ? rankOneByOne : rankOnLadder;
  return ranked(new Prepared(scheduler, request), state, count);
}

/** Better for few, and what many must be like. */
export function rankOneByOne(prepared: Prepared, state: SchedulerState, count: number): RankedMany {
  const candidates: Candidate[][] = [];
  let supposed = state;
  while (candidates.length < count) {
    const found = rankPrepared(prepared, supposed);
    const [first] = found;
    if (first === undefined) break;
    candidates.push(found);
    prepared.suppose(first.hostId);
    supposed = withHost({ ...supposed, turn: supposed.turn + 1 }, first.hostId, (view) =>
      withClaim(view, prepared.request, 1),
    );
  }
  return { candidates, supposed, request: withMembers(prepared.request, candidates) };
}

/** Better for many. */
export function rankOnLadder(prepared: Prepared, state: SchedulerState, count: number): RankedMany {
  const ladder = new Ladder(prepared, state);
  const candidates: Candidate[][] = [];
  while (candidates.length < count) {
    const found = ladder.best(state.turn + candidates.length);
    const [first] = found;
    if (first === undefined) break;
    candidates.push(found.map(({ position: _, ...candidate }) => candidate));
    prepared.suppose(first.hostId);
    ladder.claim(first.position);
  }
  const turn = state.turn + candidates.length;
  return {
    candidates,
    supposed: { ...state, turn, hosts: ladder.hostsOver(state.hosts) },
    request: withMembers(prepared.request, candidates),
  };
}

function withMembers(request: TimedRequest, candidates: RankedMany["candidates"]): TimedRequest {
  const { group } = request;
  if (group === undefined) return request;
  const placed = candidates.flatMap(([first]) => (first === undefined ? [] : [first.hostId]));
  return { ...request, group: { ...group, hostIds: [...group.hostIds, ...placed] } };
}
