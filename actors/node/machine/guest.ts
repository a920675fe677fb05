/**
 * What follows when a guest acts by itself: it shuts down, panics, pauses, or its process dies. Pure. An
 * event during a start or a clean-up of the process never contradicts that work.
 */
import type { Loss } from "../../ports/hypervisor.ts";
import { leaseLimitOf } from "./lease-limit.ts";
import type { Deed, Moment } from "./messages.ts";
import { afterLoss, retryLater, untold } from "./patience.ts";
import { resetDue } from "./plan.ts";
import { type Machine, panicRest, type Work, wantsUp } from "./state.ts";

export function onGuest(machine: Machine, deed: Deed, at: Moment): Machine {
  const { work, guest } = machine;
  const { event, why } = deed;
  if (machine.gone || work?.kind === "halt" || work?.kind === "release") return machine;
  if (event === "ejected") return onEjected(machine, deed.place);
  if (work?.kind === "boot") return keepEarly(machine, work, deed);
  const alive = guest === "running" || guest === "paused";
  switch (event) {
    case "reset":
      return machine;
    case "paused":
      return guest === "running" ? onPaused(machine, deed.pausedBy === "diskFull") : machine;
    case "resumed":
      return guest === "paused" ? { ...machine, guest: "running", isFull: false } : machine;
    case "shutdown":
      return alive ? onShutdown(machine) : machine;
    case "panicked":
      return alive ? onPanicked(machine) : machine;
    case "lost":
      return alive || guest === "down" ? onLost(machine, why ?? untold, at) : machine;
  }
}

/**
 * A guest may give back a volume that it is to have: by itself, or because an earlier life of the agent has
 * asked it. What it has is looked at anew, after a while: a guest that does so again and again keeps nobody
 * busy.
 */
function onEjected(machine: Machine, place: number | undefined): Machine {
  const { spec, work } = machine;
  const isWanted = (spec.volumes ?? []).some((one) => place === undefined || one.place === place);
  if (!isWanted) return machine;
  return work === undefined ? lookAgain(machine) : { ...machine, work: { ...work, ejected: true } };
}

/** What the guest has of volumes is unknown from now on. */
export function lookAgain(machine: Machine): Machine {
  if (machine.guest !== "running" && machine.guest !== "paused") return machine;
  const unsure: Machine = { ...machine, held: undefined };
  return unsure.wait === undefined ? retryLater(unsure) : unsure;
}

/** Keeps what the guest did during its boot: the result of the boot comes later and must not hide it. */
function keepEarly(machine: Machine, work: Work, early: Deed): Machine {
  const { event } = early;
  if (event === "reset" || event === "paused" || event === "resumed") return machine;
  return { ...machine, work: { ...work, early } };
}

/**
 * The guest was paused, by us or by itself. A guest that paused itself (its disk is full) is resumed, with
 * back-off.
 */
function onPaused(machine: Machine, isFull: boolean): Machine {
  const paused: Machine = { ...machine, guest: "paused", isFull };
  const meant = machine.intent.power === "paused" || !wantsUp(machine) || leaseLimitOf(machine) !== undefined;
  const expected = machine.work !== undefined || meant;
  return expected ? paused : retryLater(paused);
}

/**
 * A guest that shut itself down stays down until its intent changes. A guest that was asked to shut down, or
 * has a reset due, starts again if its intent wants it up.
 */
function onShutdown(machine: Machine): Machine {
  const down = fallen(machine, "down");
  if (!wantsUp(machine) || resetDue(machine) || machine.shutdownAsked) return down;
  const { generation } = machine.intent;
  return { ...down, rest: { generation, state: "stopped", reason: "guestShutdown", message: "" } };
}

function onPanicked(machine: Machine): Machine {
  const down = fallen(machine, "down");
  return wantsUp(machine) ? { ...down, rest: panicRest(machine.intent.generation) } : down;
}

/** The process died unasked; the halt that follows removes what it left behind. */
function onLost(machine: Machine, why: Loss, at: Moment): Machine {
  const lost = fallen(machine, "unknown");
  // When the host lease is over, the guard may have ended the process: that is no crash.
  const meant = machine.guest === "down" || !wantsUp(machine) || leaseLimitOf(machine) !== undefined;
  return meant ? lost : afterLoss(lost, why, at);
}

function fallen(machine: Machine, guest: "down" | "unknown"): Machine {
  return { ...machine, guest, isFull: false, wait: undefined, button: undefined };
}
