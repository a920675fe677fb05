/**
 * What a piece of work has changed, now that it has settled. Aborted work may have succeeded all the same, so
 * its result counts too: a late boot leaves a running guest, and the next step removes it. Pure; the machine
 * that comes in has no work under way any more.
 */
import { machineReasons } from "../../../protocol/states.ts";
import { machineLimits } from "./limits.ts";
import type { Outcome } from "./messages.ts";
import { retryLater } from "./patience.ts";
import { buttonPatienceMs } from "./plan.ts";
import {
  conditionOf,
  freshMachine,
  isStoppedByFull,
  type Machine,
  restAfter,
  type Trouble,
  type Work,
} from "./state.ts";
import { afterEnd, notesAfterEnd } from "./volume-plan.ts";
import { wiringAfter } from "./wiring.ts";

export function onSettled(machine: Machine, work: Work, outcome: Outcome): Machine {
  switch (work.kind) {
    case "boot":
      return afterBoot(machine, work, outcome);
    case "wire":
      return afterWire(machine, work, outcome);
    case "pause":
      return afterVerb(machine, outcome, { guest: "paused" });
    case "resume":
      return afterVerb(machine, outcome, { guest: "running", isFull: false });
    case "reset":
      // After the reset nobody has asked the guest to shut down: if it does, that is its own wish.
      return afterVerb(machine, outcome, {
        guest: "running",
        isFull: false,
        resetCount: work.resetCount,
        button: undefined,
        shutdownAsked: false,
      });
    case "press":
      return afterPress(machine, outcome);
    case "halt":
      return afterHalt(machine, outcome);
    case "release":
      return afterRelease(machine, outcome);
  }
}

/** After a boot. A start counts as every reset that was asked for. */
function afterBoot(machine: Machine, work: Work, outcome: Outcome): Machine {
  if (outcome.kind === "done") {
    const { guest } = outcome;
    return {
      ...machine,
      guest: guest === undefined ? "running" : conditionOf(guest),
      startedAtMs: guest?.startedAtMs ?? null,
      resetCount: machine.intent.resetCount,
      rest: guest === undefined ? undefined : restAfter(guest.status, machine.intent),
      ...wiringAfter(work),
      isFull: guest !== undefined && isStoppedByFull(guest),
      lost: undefined,
      button: undefined,
      attempts: 0,
      trouble: undefined,
    };
  }
  const after: Machine = { ...machine, guest: work.step === "preparing" ? "none" : "unknown" };
  if (outcome.kind === "aborted" || work.aborted) return after;
  // Silence is no answer: the same is asked again.
  if (outcome.reason === "storageUnknown") return retryLater({ ...after, trouble: troubleOf(outcome) });
  const { generation } = machine.intent;
  return { ...after, lost: undefined, rest: { generation, state: "failed", ...troubleOf(outcome) } };
}

/** After a wiring, which has told on its way what the host has. */
function afterWire(machine: Machine, work: Work, outcome: Outcome): Machine {
  if (outcome.kind === "aborted") return machine;
  if (outcome.kind === "failed") return retryLater({ ...machine, trouble: troubleOf(outcome) });
  return { ...machine, ...(work.ports && wiringAfter(work)), attempts: 0, trouble: undefined };
}

/** After pause, resume or reset: a failure costs no guest its life, the verb is tried again. */
function afterVerb(machine: Machine, outcome: Outcome, change: Partial<Machine>): Machine {
  const alive = machine.guest === "running" || machine.guest === "paused";
  if (!alive || outcome.kind === "aborted") return machine;
  if (outcome.kind === "failed") return retryLater({ ...machine, trouble: troubleOf(outcome) });
  return { ...machine, ...change, attempts: 0, trouble: undefined };
}

/** After a press of the power button. A failed press counts as one that the guest ignored. */
function afterPress(machine: Machine, outcome: Outcome): Machine {
  if (machine.guest !== "running" || outcome.kind === "aborted") return machine;
  if (outcome.kind === "failed") return { ...machine, button: { kind: "expired", leftMs: 0 } };
  const id = machine.counter + 1;
  const leftMs = machine.button?.leftMs ?? buttonPatienceMs(machine);
  const ms = Math.min(leftMs, machineLimits.buttonAgainMs);
  const wait = { id, kind: "button", ms } as const;
  return { ...machine, button: { kind: "pressed", leftMs: leftMs - ms }, counter: id, wait };
}

/**
 * After a halt. A halt that failed or was aborted leaves the guest `unknown`, so that the guest is halted
 * again, whatever the intent is by then.
 */
function afterHalt(machine: Machine, outcome: Outcome): Machine {
  const unsure: Machine = { ...machine, guest: "unknown" };
  if (outcome.kind === "aborted") return unsure;
  if (outcome.kind === "failed") return retryLater({ ...unsure, trouble: troubleOf(outcome) });
  const wait = machine.wait?.kind === "restart" ? machine.wait : undefined;
  const clear = { button: undefined, shutdownAsked: false, attempts: 0, trouble: undefined };
  const ended = { held: afterEnd(machine.held), notes: notesAfterEnd(machine.notes), isFull: false };
  return { ...machine, ...clear, ...ended, guest: "none", startedAtMs: null, wait };
}

function afterRelease(machine: Machine, outcome: Outcome): Machine {
  if (outcome.kind === "aborted") return machine;
  if (outcome.kind === "failed") return retryLater({ ...machine, trouble: troubleOf(outcome) });
  return { ...machine, gone: true, wait: undefined, trouble: undefined };
}

/** The machine of the newer owner epoch, which waited for the older to be gone. */
export function succeed(machine: Machine): Machine | undefined {
  if (!machine.gone || machine.successor === undefined) return undefined;
  const fresh = freshMachine(machine.successor, undefined);
  return { ...fresh, counter: machine.counter, hostStopping: machine.hostStopping };
}

function troubleOf(outcome: Extract<Outcome, { kind: "failed" }>): Trouble {
  const reason = machineReasons.find((known) => known === outcome.reason);
  if (reason !== undefined) return { reason, message: outcome.message };
  const image = outcome.reason === "checksumMismatch" || outcome.reason === "unusableImage";
  const silent = outcome.reason === "storageUnknown" ? "hypervisorRefused" : "guestFailed";
  return { reason: image ? "imageMissing" : silent, message: outcome.message };
}
