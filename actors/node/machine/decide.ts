/**
 * The life of a machine: `decide(state, event)` is pure and total. An event changes the facts; then the next
 * step towards the newest intent is begun. Work under way goes first: it is waited for, and aborted when it
 * serves an older intent. `decide` never throws for what a user, a host or a guest can cause, and never
 * starts work before the last has settled.
 */

import { isLossReason } from "../../../protocol/states.ts";
import { conclude, type Decision } from "./conclude.ts";
import { onEnsure } from "./ensure.ts";
import { isPassing } from "./file.ts";
import { lookAgain, onGuest } from "./guest.ts";
import { leaseLimitOf, under } from "./lease-limit.ts";
import type { MachineEvent, Moment } from "./messages.ts";
import { countLoss, leftDown, untold } from "./patience.ts";
import { onSettled } from "./settle.ts";
import { type Machine, type MachineState, wantsUp } from "./state.ts";
import { notesAfter, withMade } from "./volume-plan.ts";
import { wiringAfter, wiringDuring } from "./wiring.ts";

export { type Decision, type Effect, introduce } from "./conclude.ts";

export function decide(state: MachineState, event: MachineEvent): Decision {
  if (event.kind === "ensure") {
    return conclude({ before: state, at: event.at, ...onEnsure(state, event.request) });
  }
  if (state.kind === "blank") return { next: state, save: undefined, answer: undefined, effects: [] };
  return conclude({ before: state, at: event.at, next: apply(state, event) });
}

type Happening = Exclude<MachineEvent, { kind: "ensure" }>;

function apply(machine: Machine, event: Happening): Machine {
  switch (event.kind) {
    case "guest":
      return onGuest(machine, event, event.at);
    case "prepared":
      return onPrepared(machine, event.workId);
    case "unplugged":
      return onUnplugged(machine, event.workId);
    case "plugged":
      return onPlugged(machine, event.workId);
    case "volumes":
      return onVolumes(machine, event);
    case "settled":
      return afterSettled(machine, event);
    case "timer":
      return onTimer(machine, event.timerId);
    case "begin":
      return onBegin(machine, event.at);
    case "hostStopping":
      return onHostStopping(machine, event.graceMs);
    case "lease":
      return onLease(machine, event.at);
  }
}

function onPrepared(machine: Machine, workId: number): Machine {
  const { work } = machine;
  return work?.id === workId ? { ...machine, work: { ...work, step: "starting" } } : machine;
}

/** From here on what is to go is gone, even if what is to come never does. */
function onUnplugged(machine: Machine, workId: number): Machine {
  const { work } = machine;
  return work?.id === workId ? { ...machine, ...wiringDuring(work) } : machine;
}

function onPlugged(machine: Machine, workId: number): Machine {
  const { work } = machine;
  return work?.id === workId ? { ...machine, ...wiringAfter(work) } : machine;
}

/** Facts, also of work that is being called off. */
function onVolumes(machine: Machine, event: Extract<Happening, { kind: "volumes" }>): Machine {
  const { has, coming, at } = event;
  if (machine.work?.id !== event.workId) return machine;
  const notes = notesAfter(machine.notes, machine.spec, { has, atMs: at.wallMs });
  return { ...machine, spec: withMade(machine.spec, has), held: { has, coming }, notes };
}

/** Applies what the guest did during its boot, after the boot has settled. */
function afterSettled(machine: Machine, event: Extract<Happening, { kind: "settled" }>): Machine {
  const { work } = machine;
  if (work === undefined || work.id !== event.workId) return machine;
  const after = onSettled({ ...machine, work: undefined }, work, event.outcome);
  const settled = work.ejected === true ? lookAgain(after) : after;
  return work.early === undefined ? settled : onGuest(settled, work.early, event.at);
}

function onTimer(machine: Machine, timerId: number): Machine {
  if (machine.wait?.id !== timerId) return machine;
  if (machine.wait.kind !== "button") return { ...machine, wait: undefined };
  const leftMs = machine.button?.leftMs ?? 0;
  return { ...machine, wait: undefined, button: { kind: leftMs > 0 ? "again" : "expired", leftMs } };
}

function onBegin(machine: Machine, at: Moment): Machine {
  const { rest } = machine;
  if (rest === undefined || !isPassing(rest) || machine.hostStopping !== undefined) return machine;
  // A machine that has failed says already that its guest is left down.
  if (machine.spec.recovery === "leave")
    return rest.state === "failed" ? machine : { ...machine, rest: leftDown(machine, rest) };
  const awakened = { ...machine, rest: undefined };
  return isLossReason(rest.reason) ? countLoss(awakened, untold, at) : awakened;
}

/**
 * The host lease changed. A guest that goes down because its host was fenced comes up with the next host
 * lease, unless its recovery policy is `leave`.
 */
function onLease(machine: Machine, at: Moment): Machine {
  if (machine.spec.recovery !== "leave" || machine.gone || !wantsUp(machine)) return machine;
  const fenced = leaseLimitOf(under(machine, at.lease)) === "halt";
  return fenced ? { ...machine, rest: leftDown(machine, { reason: "leaseLost", message: "" }) } : machine;
}

/**
 * The guest goes down with its host; the intent in the file stays, so that the guest comes up again with the
 * host.
 */
function onHostStopping(machine: Machine, graceMs: number): Machine {
  if (machine.hostStopping !== undefined || machine.gone) return machine;
  const { generation } = machine.intent;
  const down = { generation, state: "stopped", reason: "hostShutdown", message: "" } as const;
  const rest = wantsUp(machine) ? down : machine.rest;
  return { ...machine, hostStopping: { graceMs }, rest, wait: undefined, button: undefined };
}
