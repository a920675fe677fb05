/**
 * Ranks hosts for many equal instances, each as if those before it were placed on their first host: the same
 * answers as that many rankings with a claim after each. A few are ranked just so; for many, all hosts are
 * sorted once, which costs as much as some dozens of rankings. Pure.
 */
import type { TimedRequest } from "./filters/filter.ts";
import { schedulerLimits } from "./limits.ts";
import type { Candidate, Stored } from "./messages.ts";
import { Prepared } from "./prepare.ts";
import { rankPrepared } from "./rank.ts";
import { Ladder } from "./ranked-hosts.ts";
import type { Scheduler } from "./schedule.ts";
import { type SchedulerState, withClaim, withHost } from "./state.ts";

export interface RankedMany {
  /** Candidates of each instance that finds room, at most `count`. No list is empty. */
  readonly candidates: readonly (readonly Candidate[])[];
  /**
   * The scheduler's state after all these placements, with the round-robin position advanced, but for their
   * disks on storages that hosts share: these are `stored`.
   */
  readonly supposed: SchedulerState;
  readonly stored: Stored;
  /** The request for the next instance: its group has the placed ones as members. */
  readonly request: TimedRequest;
}

export function rankMany(
  scheduler: Scheduler,
  state: SchedulerState,
  request: TimedRequest,
  count: number,
): RankedMany {
  const ranked = count <= schedulerLimits.rankedOneByOneMax ? rankOneByOne : rankOnLadder;
  return ranked(new Prepared(scheduler, request), state, count);
}

/** One ranking after the other: faster for few, and the reference for `rankOnLadder`. */
export function rankOneByOne(prepared: Prepared, state: SchedulerState, count: number): RankedMany {
  const candidates: Candidate[][] = [];
  let supposed = state;
  while (candidates.length < count) {
    const found = rankPrepared(prepared, supposed);
    const [first] = found;
    if (first === undefined) break;
    candidates.push(found);
    supposed = withHost({ ...supposed, turn: supposed.turn + 1 }, first.hostId, (view) => {
      prepared.suppose(view);
      return withClaim(view, prepared.request, 1);
    });
  }
  const request = withMembers(prepared.request, candidates);
  return { candidates, supposed, stored: prepared.stored, request };
}

/** By a sorted list of all hosts: faster for many. */
export function rankOnLadder(prepared: Prepared, state: SchedulerState, count: number): RankedMany {
  const ladder = new Ladder(prepared, state);
  const candidates: Candidate[][] = [];
  while (candidates.length < count) {
    const found = ladder.best(state.turn + candidates.length);
    const [first] = found;
    if (first === undefined) break;
    candidates.push(found.map(({ position: _, ...candidate }) => candidate));
    ladder.claim(first.position);
  }
  const turn = state.turn + candidates.length;
  return {
    candidates,
    supposed: { ...state, turn, hosts: ladder.hostsOver(state.hosts) },
    stored: prepared.stored,
    request: withMembers(prepared.request, candidates),
  };
}

function withMembers(request: TimedRequest, candidates: RankedMany["candidates"]): TimedRequest {
  const { group } = request;
  if (group === undefined) return request;
  const placed = candidates.flatMap(([first]) => (first === undefined ? [] : [first.hostId]));
  return { ...request, group: { ...group, hostIds: [...group.hostIds, ...placed] } };
}
