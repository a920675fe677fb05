/**
 * Explains: what each filter has against each host, what would make the host fit, and why no host does. Asks
 * every filter about every host, which a ranking avoids; makes sentences only for the hosts that are shown.
 * Pure, except that it remembers its last explanation of the same hosts.
 */
import type { HostVerdict } from "../../../protocol/instance.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { Refuse, TimedRequest } from "./filters/filter.ts";
import { schedulerLimits } from "./limits.ts";
import { Prepared } from "./prepare.ts";
import { rankPrepared } from "./rank.ts";
import type { Scheduler } from "./schedule.ts";
import { type HostView, type SchedulerState, viewIn } from "./state.ts";

/**
 * The hosts that fit, best first as in a ranking, then those nearest to fitting; at most
 * schedulerLimits.hostVerdictsMax. Filters and weighers that the request does not concern are left out.
 */
export const explain = (
  scheduler: Scheduler,
  state: SchedulerState,
  request: TimedRequest,
): HostVerdict[] => {
  const prepared = new Prepared(scheduler, request);
  return withFacts(verdicts(prepared, state, survey(prepared, state)), state);
};

/** With what plug-ins say of the hosts; not in a denial, which tenants read and operations keep. */
function withFacts(given: readonly HostVerdict[], state: SchedulerState): HostVerdict[] {
  let left = schedulerLimits.explainedFactsBytesMax;
  return given.map((verdict) => {
    const facts = viewIn(state, verdict.hostId)?.facts ?? {};
    if (Object.keys(facts).length === 0 || left <= 0) return verdict;
    left -= Buffer.byteLength(JSON.stringify(facts));
    return left < 0 ? verdict : { ...verdict, facts };
  });
}

function verdicts(prepared: Prepared, state: SchedulerState, { nearest }: Survey): HostVerdict[] {
  const ranked = rankPrepared(prepared, state).map(({ hostId }) => hostId);
  const isRanked = new Set(ranked);
  const shown = [...ranked, ...nearest.filter((id) => !isRanked.has(id))].slice(
    0,
    schedulerLimits.hostVerdictsMax,
  );
  return shown.flatMap((id) => {
    const host = viewIn(state, id);
    return host === undefined ? [] : [verdictOf(prepared, host)];
  });
}

/**
 * The answer of every filter about one host, also after the first refusal, and the weight of each weigher.
 */
function verdictOf(prepared: Prepared, host: HostView): HostVerdict {
  const filters: Record<string, true | string> = {};
  for (const { filter } of prepared.filters) filters[filter.name] = true;
  const refusals = prepared.refusals(host).map(({ filter, refuse }) => ({ filter, ...refuse(host) }));
  for (const { filter, reason } of refusals) filters[filter.name] = reason;
  const fits = refusals.length === 0;
  return {
    hostId: host.id,
    hostName: host.name,
    fits,
    filters,
    weights: prepared.weights(host),
    score: fits ? prepared.score(host) : 0,
    ...(fits ? {} : { remedy: refusals.map(({ remedy }) => remedy).join(", and ") }),
  };
}

interface Survey {
  /** For each filter: how many hosts it is the first to refuse, and one of them. Most first. */
  readonly refused: readonly Counted[];
  /** Ids of hosts, those with the least effort to fit first; not many more than can be shown. */
  readonly nearest: readonly string[];
}

interface Counted {
  readonly filter: string;
  readonly example: HostView;
  readonly refuse: Refuse;
  hosts: number;
}

/** Surveys every host once. */
function survey(prepared: Prepared, state: SchedulerState): Survey {
  const counted = new Map<string, Counted>();
  const byEffort = new Map<number, string[]>();
  for (const host of state.hosts) {
    let effort = 0;
    for (const { filter, check } of prepared.filters) {
      const refuse = check(host);
      if (refuse === true) continue;
      if (effort === 0) count(counted, { filter: filter.name, example: host, refuse, hosts: 1 });
      effort += filter.effort;
    }
    const alike = byEffort.get(effort);
    if (alike === undefined) byEffort.set(effort, [host.id]);
    else if (alike.length < schedulerLimits.hostVerdictsMax) alike.push(host.id);
  }
  const efforts = [...byEffort].sort(([left], [right]) => left - right);
  const refused = [...counted.values()].sort((left, right) => right.hosts - left.hosts);
  return { refused, nearest: efforts.flatMap(([, ids]) => ids) };
}

function count(counted: Map<string, Counted>, first: Counted): void {
  const known = counted.get(first.filter);
  if (known === undefined) counted.set(first.filter, first);
  else known.hosts++;
}

/** Denials by the same views: many clients of a full cluster ask for the same. */
const denials = new WeakMap<SchedulerState["hosts"], Remembered>();

interface Remembered {
  readonly scheduler: Scheduler;
  readonly byRequest: Map<string, Denial>;
}

/**
 * Why no host fits: how many hosts each filter was the first to refuse, most first, with an example; what
 * would help with the least effort; and the verdicts as details.
 */
export function noValidHost(scheduler: Scheduler, state: SchedulerState, request: TimedRequest): Denial {
  if (state.hosts.length === 0)
    return { reason: "noValidHost", message: "No host fits: no host is registered.", details: [] };
  const remembered = denials.get(state.hosts);
  const byRequest = remembered?.scheduler === scheduler ? remembered.byRequest : new Map<string, Denial>();
  const key = JSON.stringify(request);
  const before = byRequest.get(key);
  if (before !== undefined) return before;
  const denial = denied(scheduler, state, request);
  if (byRequest.size < schedulerLimits.denialsRememberedMax) byRequest.set(key, denial);
  denials.set(state.hosts, { scheduler, byRequest });
  return denial;
}

function denied(scheduler: Scheduler, state: SchedulerState, request: TimedRequest): Denial {
  const prepared = new Prepared(scheduler, request);
  const surveyed = survey(prepared, state);
  const counts = surveyed.refused.map(
    ({ filter, hosts, example, refuse }) =>
      `the filter ${filter} refused ${hosts} (${example.name}: ${refuse(example).reason})`,
  );
  const details = verdicts(prepared, state, surveyed);
  const [nearest] = details;
  const remedy = nearest?.remedy === undefined ? "" : ` To use ${nearest.hostName}, ${nearest.remedy}.`;
  return {
    reason: "noValidHost",
    message: `No host fits: of ${state.hosts.length}, ${counts.join(", ")}.${remedy}`,
    details,
  };
}
