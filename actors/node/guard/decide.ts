/**
 * What the guard does, as a function of what it sees. Pure: the guard's process and the simulator run the
 * same.
 *
 *   before the deadline      nothing, except that a guest whose disk was taken over is killed
 *   from the deadline on     every fenced guest is stopped, and stopped again if something continued it
 *   renewed late             the disks of stopped guests are looked at first: a guest whose disk is still
 *                            there is continued, one whose disk was taken over is killed, and one whose disk
 *                            nobody can see stays stopped. Only then is the renewal acknowledged
 *
 * It must never let a fenced guest run past the deadline, never kill one whose directory is there, and never
 * continue one that somebody else has stopped.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { guardLimits } from "./limits.ts";
import type { GuardAction, GuardEvent, SeenGuest } from "./messages.ts";
import { type GuardState, isSame } from "./state.ts";

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
  const verdicts = event.guests.map((guest) => ({
    guest,
    verdict: judge(state, guest, { past: nowMs >= state.deadlineMs, fresh }),
  }));
  const stopped = verdicts.filter(({ verdict }) => verdict === "stop" || verdict === "stay");
  const answered = state.unanswered && fresh;
  const actions = verdicts.flatMap(({ guest, verdict }): readonly GuardAction[] =>
    verdict === "stay" || verdict === "leave" ? [] : [{ kind: verdict, guest: nameOf(guest) }],
  );
  return {
    next: {
      ...state,
      stopped: stopped.map(({ guest }) => nameOf(guest)),
      adopts: false,
      unanswered: state.unanswered && !answered,
    },
    actions: answered ? [...actions, acknowledge(state.number)] : actions,
  };
}

/** `stay`: keep it stopped, it is ours to continue later; `leave`: it is not our business. */
type Verdict = "kill" | "stop" | "continue" | "stay" | "leave";

function judge(
  state: GuardState,
  guest: SeenGuest,
  { past, fresh }: { readonly past: boolean; readonly fresh: boolean },
): Verdict {
  if (guest.diskPresent === false) return "kill";
  const ours = state.stopped.some((one) => isSame(one, guest)) || (state.adopts && guest.stopped);
  if (past && !guest.stopped) return "stop";
  if (!ours) return "leave";
  return !past && fresh && guest.diskPresent === true ? "continue" : "stay";
}

const acknowledge = (number: number): GuardAction => ({ kind: "acknowledge", number });

const nameOf = ({ instanceId, ownerEpoch, pid, startTicks }: SeenGuest) => ({
  instanceId,
  ownerEpoch,
  pid,
  startTicks,
});

/**
 * When the guard must look at the guests next. It looks once before the deadline as well, so that at the
 * deadline it knows whom to stop.
 */
export function nextLookAtMs(state: GuardState, nowMs: number): number {
  const { deadlineMs, stopped, watchUntilMs } = state;
  const busy = nowMs >= deadlineMs || stopped.length > 0 || nowMs < watchUntilMs;
  const soonMs = busy ? nowMs + guardLimits.guardScanPeriodMs : Number.POSITIVE_INFINITY;
  const warningMs = deadlineMs - guardLimits.guardWarningMs;
  const dueMs = nowMs < warningMs ? warningMs : deadlineMs;
  return nowMs >= deadlineMs ? soonMs : Math.min(soonMs, dueMs);
}
