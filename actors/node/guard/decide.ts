/**
 * What the guard does, as a function of what it sees. Pure: the guard's process and the simulator run the
 * same.
 *
 *   before the deadline      nothing, except that a guest whose disk was taken over is killed
 *   from the deadline on     every fenced guest is stopped, and stopped again if something continued it; one
 *                            that is not seen stopped in time is killed. "Stopped" is said of a guest only
 *                            when every thread of it is, "gone" only when none is left
 *   renewed late             the disks of stopped guests are looked at first: a guest whose disk is still
 *                            there is continued, one whose disk was taken over is killed, and one whose disk
 *                            nobody can see stays stopped. Only then is the renewal acknowledged
 *
 * It must never let a fenced guest run past the deadline, never kill one that is stopped and whose directory
 * is there, and never continue one that somebody else has stopped.
 */
import type { GuardDeed } from "../../../protocol/guard.ts";
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { guardLimits } from "./limits.ts";
import type { FencedGuest, GuardAction, GuardEvent, KillReason, SeenGuest } from "./messages.ts";
import { type GuardState, type HeldGuest, isSame } from "./state.ts";

export interface GuardDecision {
  readonly next: GuardState;
  readonly actions: readonly GuardAction[];
}

export function decide(state: GuardState, event: GuardEvent, nowMs: number): GuardDecision {
  switch (event.kind) {
    case "extend":
      return extend(state, event, nowMs);
    case "tick":
      return tick(state, event, nowMs);
  }
}

type Extend = Extract<GuardEvent, { kind: "extend" }>;
type Tick = Extract<GuardEvent, { kind: "tick" }>;

function extend(state: GuardState, event: Extend, nowMs: number): GuardDecision {
  if (event.number < state.number) return { next: state, actions: [] };
  // A host lease never lasts longer than its time to live: a later deadline is a mistake.
  const deadlineMs = Math.min(event.deadlineMs, nowMs + leaseLimits.leaseTtlMs);
  const late = nowMs >= state.deadlineMs;
  // After a late renewal even a guard that slept through the deadline, and stopped nobody, looks before it
  // answers.
  const unanswered = late || state.stopped.length > 0;
  const next = {
    ...state,
    deadlineMs,
    number: event.number,
    extendedAtMs: nowMs,
    unanswered,
    watchUntilMs: late ? nowMs + leaseLimits.leaseTtlMs : state.watchUntilMs,
  };
  return { next, actions: unanswered ? [{ kind: "look" }] : [acknowledge(event.number)] };
}

function tick(state: GuardState, event: Tick, nowMs: number): GuardDecision {
  // A disk that was looked at before the renewal came may have been taken over since.
  const fresh = event.lookedAtMs !== undefined && event.lookedAtMs >= state.extendedAtMs;
  const moment = { past: nowMs >= state.deadlineMs, fresh, nowMs };
  const outcomes = event.guests.map((guest) => outcomeOf(state, guest, moment));
  const gone = state.stopped.filter(
    (held) => held.killed === true && !event.guests.some((guest) => isSame(held, guest)),
  );
  const answered = state.unanswered && fresh;
  const actions: readonly GuardAction[] = [
    ...gone.map(
      (held): GuardAction => ({
        ...{ kind: "tell", guest: nameOf(held), what: "gone", why: held.why ?? "diskTaken" },
      }),
    ),
    ...outcomes.flatMap((outcome) => outcome.actions),
  ];
  return {
    next: {
      ...state,
      deeds: withDeeds(state.deeds, actions, nowMs),
      stopped: outcomes.flatMap(({ held }) => held ?? []),
      adopts: false,
      unanswered: state.unanswered && !answered,
    },
    actions: answered ? [...actions, acknowledge(state.number)] : actions,
  };
}

/** The deeds with those of these actions: a stop counts when it is told, not when the signal is sent. */
function withDeeds(
  before: readonly GuardDeed[],
  actions: readonly GuardAction[],
  atMs: number,
): readonly GuardDeed[] {
  const deeds = [...before];
  for (const action of actions) {
    const about = aboutDeed(action);
    if (about === undefined) continue;
    const { instanceId, ownerEpoch } = about.guest;
    const { what, why } = about;
    // By the clock: a guard that has lost its file must not use a number of the guard before it again.
    const number = Math.max((deeds.at(-1)?.number ?? 0) + 1, Math.floor(atMs));
    deeds.push({ number, instanceId, ownerEpoch, what, why, atMs });
  }
  return deeds.slice(-guardLimits.guardDeedsMax);
}

function aboutDeed(
  action: GuardAction,
): (Pick<GuardDeed, "what" | "why"> & { readonly guest: FencedGuest }) | undefined {
  switch (action.kind) {
    case "tell":
      return action;
    case "kill":
      return { guest: action.guest, what: "killed", why: action.why };
    case "continue":
      return { guest: action.guest, what: "continued", why: "leaseRenewed" };
    default:
      return undefined;
  }
}

/** What is done about one guest. Without `held` the guard has nothing to do with it from now on. */
interface Outcome {
  readonly held?: HeldGuest;
  readonly actions: readonly GuardAction[];
}

interface TickMoment {
  readonly past: boolean;
  readonly fresh: boolean;
  readonly nowMs: number;
}

function outcomeOf(state: GuardState, seen: SeenGuest, { past, fresh, nowMs }: TickMoment): Outcome {
  const guest = nameOf(seen);
  const held = state.stopped.find((one) => isSame(one, seen));
  if (held?.killed === true) return { held, actions: killedBefore(guest) };
  if (seen.diskPresent === false) return killed(guest, "diskTaken");
  const ours = held !== undefined || (state.adopts && seen.stopped);
  if (!past && held?.continued === true && !seen.stopped) return { actions: [] };
  if (!past && ours && fresh && seen.diskPresent === true) return continued(guest, held);
  if (!ours && (!past || seen.stopped)) return { actions: [] };
  if (seen.stopped) {
    const isNews = held?.unprovedSinceMs !== undefined;
    return {
      held: !past && held?.continued === true ? held : guest,
      actions: isNews ? [{ kind: "tell", guest, what: "stopped", why: "leaseEnded" }] : [],
    };
  }
  const unprovedSinceMs = held?.unprovedSinceMs ?? nowMs;
  if (nowMs - unprovedSinceMs >= guardLimits.guardStopProofMs) return killed(guest, "notStopped");
  return { held: { ...guest, unprovedSinceMs }, actions: [{ kind: "stop", guest }] };
}

const killed = (guest: FencedGuest, why: KillReason): Outcome => ({
  held: { ...guest, killed: true, why },
  actions: [{ kind: "kill", guest, why }],
});

/** A thaw of a group can fail, so it is held until it is seen running; a process gets its signal. */
function continued(guest: FencedGuest, held: HeldGuest | undefined): Outcome {
  if (guest.group === undefined) return { actions: [{ kind: "continue", guest }] };
  const kind = held?.continued === true ? "continueAgain" : "continue";
  return { held: { ...guest, continued: true }, actions: [{ kind, guest }] };
}

/** The kernel ends a process that was killed; of a group a kill can fail, or miss who began meanwhile. */
const killedBefore = (guest: FencedGuest): readonly GuardAction[] =>
  guest.group === undefined ? [] : [{ kind: "killAgain", guest }];

const acknowledge = (number: number): GuardAction => ({ kind: "acknowledge", number });

const nameOf = ({ instanceId, ownerEpoch, pid, startTicks, group }: FencedGuest): FencedGuest => ({
  ...{ instanceId, ownerEpoch, pid, startTicks },
  ...(group === undefined ? {} : { group }),
});

/**
 * When the guard must look at the guests next. It looks once before the deadline as well, so that at the
 * deadline it knows whom to stop.
 */
export function nextLookAtMs(state: GuardState, nowMs: number): number {
  const { deadlineMs, stopped, watchUntilMs } = state;
  const unproved = stopped.some(({ unprovedSinceMs }) => unprovedSinceMs !== undefined);
  const busy = nowMs >= deadlineMs || stopped.length > 0 || nowMs < watchUntilMs;
  const periodMs = unproved ? guardLimits.guardProofPeriodMs : guardLimits.guardScanPeriodMs;
  const soonMs = busy ? nowMs + periodMs : Number.POSITIVE_INFINITY;
  const warningMs = deadlineMs - guardLimits.guardWarningMs;
  const dueMs = nowMs < warningMs ? warningMs : deadlineMs;
  return nowMs >= deadlineMs ? soonMs : Math.min(soonMs, dueMs);
}
