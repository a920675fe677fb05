/**
 * When a host reports to its controllers: at once when a machine comes to rest, a moment later when its state
 * is a passing one, and once a period in any case. Few reports are under way at once; later changes go with
 * the next report. Pure and total.
 */
import { leaseLimits } from "../../../protocol/limits/lease.ts";
import { hostLimits } from "./limits.ts";
import type { ReportEvent, ReportTimer } from "./messages.ts";
import type { Reporting } from "./state.ts";

export type ReportEffect =
  | { readonly kind: "register" }
  | { readonly kind: "heartbeat"; readonly complete: boolean; readonly stopping: boolean }
  /** Refused observations are due again. */
  | { readonly kind: "renew" }
  /** Passing states that have lasted for a while are due; the ledger knows which. */
  | { readonly kind: "ripen" }
  /** Controllers may lack everything about this host: every observation is due. */
  | { readonly kind: "renewAll" }
  | { readonly kind: "startTimer"; readonly timer: ReportTimer; readonly ms: number };

export interface ReportDecision {
  readonly next: Reporting;
  readonly effects: readonly ReportEffect[];
}

export function decide(state: Reporting, event: ReportEvent): ReportDecision {
  const effects: ReportEffect[] = [];
  const next = speak(hear(state, event, effects), effects);
  return { next, effects };
}

function hear(state: Reporting, event: ReportEvent, effects: ReportEffect[]): Reporting {
  switch (event.kind) {
    case "started":
      start("heartbeat", leaseLimits.heartbeatPeriodMs, effects);
      start("inventory", hostLimits.inventoryPeriodMs, effects);
      return state;
    case "changed":
      return changed(state, event.urgent, effects);
    case "timer":
      return onTimer(state, event.timer, effects);
    case "registered":
      return event.accepted
        ? registered(state, effects)
        : failed({ ...state, phase: "unregistered" }, effects);
    case "registerFailed":
      return failed({ ...state, phase: "unregistered" }, effects);
    case "answered":
      return answered(state, event, effects);
    case "unanswered":
      return failed({ ...state, inFlight: state.inFlight - 1, due: true }, effects);
    case "leased":
      effects.push({ kind: "renewAll" });
      return { ...state, due: true, completeDue: true };
    case "stopping":
      return { ...state, stopping: true, due: true };
  }
}

function changed(state: Reporting, urgent: boolean, effects: ReportEffect[]): Reporting {
  if (urgent) return { ...state, due: true };
  if (!state.passing) start("passing", hostLimits.passingReportDelayMs, effects);
  return { ...state, passing: true };
}

function onTimer(state: Reporting, timer: ReportTimer, effects: ReportEffect[]): Reporting {
  switch (timer) {
    case "heartbeat":
      start("heartbeat", leaseLimits.heartbeatPeriodMs, effects);
      effects.push({ kind: "renew" });
      return { ...state, due: true };
    case "inventory":
      start("inventory", hostLimits.inventoryPeriodMs, effects);
      return { ...state, due: true, completeDue: true };
    case "passing":
      effects.push({ kind: "ripen" });
      return { ...state, passing: false };
    case "retry":
      return { ...state, waiting: false, due: true };
  }
}

function registered(state: Reporting, effects: ReportEffect[]): Reporting {
  effects.push({ kind: "renewAll" });
  return { ...state, phase: "registered", failures: 0, due: true, completeDue: true };
}

function answered(
  state: Reporting,
  { known, more }: Extract<ReportEvent, { kind: "answered" }>,
  effects: ReportEffect[],
): Reporting {
  const next = { ...state, inFlight: state.inFlight - 1, failures: 0, due: state.due || more };
  if (known || state.phase !== "registered") return next;
  effects.push({ kind: "renewAll" });
  return { ...next, phase: "unregistered", due: true };
}

function failed(state: Reporting, effects: ReportEffect[]): Reporting {
  if (state.waiting) return state;
  const failures = state.failures + 1;
  const ms = hostLimits.reportRetryMsMin * 2 ** Math.min(failures - 1, 10);
  start("retry", Math.min(ms, hostLimits.reportRetryMsMax), effects);
  return { ...state, failures, waiting: true, due: true };
}

/** Sends what is due, if a report may be sent now. */
function speak(state: Reporting, effects: ReportEffect[]): Reporting {
  if (state.waiting) return state;
  switch (state.phase) {
    case "registering":
      return state;
    case "unregistered":
      effects.push({ kind: "register" });
      return { ...state, phase: "registering" };
    case "registered":
      if (!state.due || state.inFlight >= hostLimits.heartbeatsInFlightMax) return state;
      effects.push({ kind: "heartbeat", complete: state.completeDue, stopping: state.stopping });
      return { ...state, due: false, completeDue: false, inFlight: state.inFlight + 1 };
  }
}

function start(timer: ReportTimer, ms: number, effects: ReportEffect[]): void {
  effects.push({ kind: "startTimer", timer, ms });
}
