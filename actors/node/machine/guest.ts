/**
 * What follows when a guest does something by itself: it shuts down, panics, pauses, or its process dies.
 * Pure. An event that comes while the process is being started or cleared away never contradicts that work.
 */
import type { GuestEvent } from "../../ports/hypervisor.ts";
import { barOf } from "./bar.ts";
import type { Moment } from "./messages.ts";
import { afterLoss, retryLater } from "./patience.ts";
import { resetDue } from "./plan.ts";
import { type Machine, panicRest, type Work, wantsUp } from "./state.ts";

export function onGuest(machine: Machine, event: GuestEvent["kind"], at: Moment): Machine {
  const { work, guest } = machine;
  if (machine.gone || work?.kind === "halt" || work?.kind === "release") return machine;
  if (work?.kind === "boot") return keepEarly(machine, work, event);
  const alive = guest === "running" || guest === "paused";
  switch (event) {
    case "reset":
      return machine;
    case "paused":
      return guest === "running" ? onPaused(machine) : machine;
    case "resumed":
      return guest === "paused" ? { ...machine, guest: "running" } : machine;
    case "shutdown":
      return alive ? onShutdown(machine) : machine;
    case "panicked":
      return alive ? onPanicked(machine) : machine;
    case "lost":
      return alive || guest === "down" ? onLost(machine, at) : machine;
  }
}

/** The boot's own result comes later and must not hide what the guest did meanwhile. */
function keepEarly(machine: Machine, work: Work, event: GuestEvent["kind"]): Machine {
  if (event === "reset" || event === "paused" || event === "resumed") return machine;
  return { ...machine, work: { ...work, early: event } };
}

/**
 * Also the echo of our own pause. A guest that pauses itself (its disk is full) is resumed, at a decent pace.
 */
function onPaused(machine: Machine): Machine {
  const paused: Machine = { ...machine, guest: "paused" };
  const meant = machine.intent.power === "paused" || !wantsUp(machine) || barOf(machine) !== undefined;
  const expected = machine.work !== undefined || meant;
  return expected ? paused : retryLater(paused);
}

/**
 * A guest that shut itself down stays down until its intent says otherwise; one that we asked to starts
 * again.
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

/** The process is gone without being asked; the halt that follows clears away what it left. */
function onLost(machine: Machine, at: Moment): Machine {
  const lost = fallen(machine, "unknown");
  // Without a lease the guard may have ended it: that is no crash.
  const meant = machine.guest === "down" || !wantsUp(machine) || barOf(machine) !== undefined;
  return meant ? lost : afterLoss(lost, at);
}

function fallen(machine: Machine, guest: "down" | "unknown"): Machine {
  return { ...machine, guest, wait: undefined, button: undefined };
}
