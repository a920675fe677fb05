/**
 * The next step towards the newest intent, and the machine's observation. Both are functions of the machine's
 * facts alone, not of its history, so every path to the same facts goes on alike. Pure and total: every
 * combination of facts has a step.
 */
import type { Observation } from "../../../protocol/machine.ts";
import type { MachineReason, MachineState as SeenState } from "../../../protocol/states.ts";
import { type LeaseLimit, leaseLimitOf } from "./lease-limit.ts";
import { machineLimits } from "./limits.ts";
import { type Machine, type Work, type WorkKind, wantsUp } from "./state.ts";
import { hasNotes, isAmiss, isTooMuch, saidVolumes } from "./volume-plan.ts";
import { hasLeftovers, isMiswired, saidPorts } from "./wiring.ts";

export type Step = WorkKind | "idle";

/** The step to take now, if no work were under way. `idle` includes waiting for a timer or the guest. */
export function nextStep(machine: Machine): Step {
  if (machine.gone) return "idle";
  if (machine.intent.power === "deleted") return stepAway(machine);
  if (!wantsUp(machine)) return stepDown(machine);
  const bar = leaseLimitOf(machine);
  return bar === undefined ? stepUp(machine) : stepBarred(machine, bar);
}

/**
 * The step towards removal. A guest that goes on elsewhere is first asked to shut down, as by a stop; but not
 * when the host lease is over, for then it may be running elsewhere already.
 */
function stepAway(machine: Machine): Step {
  if (machine.guest === "none") return "release";
  return machine.intent.keepDisk && leaseLimitOf(machine) === undefined ? stepDown(machine) : "halt";
}

/**
 * Without the host lease nothing is started; a guest that may run elsewhere by now is halted, one that may
 * not yet is paused.
 */
function stepBarred({ guest }: Machine, bar: LeaseLimit): Step {
  if (guest === "none") return "idle";
  if (bar === "halt" || guest === "unknown" || guest === "down") return "halt";
  return bar === "pause" && guest === "running" ? "pause" : "idle";
}

function stepUp(machine: Machine): Step {
  switch (machine.guest) {
    case "unknown":
    case "down":
      return "halt";
    case "none":
      return machine.wait?.kind === "restart" ? "idle" : "boot";
    case "running":
      if (resetDue(machine)) return stepReset(machine);
      if (machine.intent.power === "paused") return "pause";
      return isUnlikeItsSpec(machine) ? "wire" : "idle";
    case "paused":
      if (resetDue(machine)) return "reset";
      // A volume that is taken away may be the full one that the guest waits for.
      if (machine.intent.power === "running" && !(machine.isFull && isTooMuch(machine))) return "resume";
      return isUnlikeItsSpec(machine) ? "wire" : "idle";
  }
}

function stepReset(machine: Machine): Step {
  if (machine.intent.resetMode === "hard" || machine.button?.kind === "expired") return "reset";
  return machine.button?.kind === "pressed" ? "idle" : "press";
}

function stepDown(machine: Machine): Step {
  switch (machine.guest) {
    case "none":
      return isUnlikeItsSpec(machine) ? "wire" : "idle";
    case "unknown":
    case "down":
    case "paused":
      return "halt";
    case "running":
      if (!isGraceful(machine) || machine.button?.kind === "expired") return "halt";
      return machine.button?.kind === "pressed" ? "idle" : "press";
  }
}

/** What a boot or a wiring has to do. */
export function partsOf(
  machine: Machine,
  step: Step,
): { readonly ports: boolean; readonly volumes: boolean } {
  if (step === "boot") return { ports: true, volumes: true };
  if (step !== "wire") return { ports: false, volumes: false };
  if (machine.guest === "none") return { ports: hasLeftovers(machine), volumes: hasNotes(machine) };
  // A guest that is paused cannot let go of an interface; a volume is taken from it all the same.
  return { ports: machine.guest === "running" && isMiswired(machine), volumes: isAmiss(machine) };
}

function isUnlikeItsSpec(machine: Machine): boolean {
  const { ports, volumes } = partsOf(machine, "wire");
  return ports || volumes;
}

/** A reset was asked for and not done yet. */
export function resetDue(machine: Machine): boolean {
  return machine.resetCount < machine.intent.resetCount;
}

function isGraceful(machine: Machine): boolean {
  if (machine.hostStopping !== undefined) return true;
  const { power, stop } = machine.intent;
  return (power === "stopped" || power === "deleted") && stop.mode === "graceful";
}

/** How long the guest may take to answer the power button. */
export function buttonPatienceMs(machine: Machine): number {
  if (wantsUp(machine)) return machineLimits.softResetTimeoutMs;
  const asked = machine.intent.stop.timeoutMs;
  const host = machine.hostStopping?.graceMs;
  if (host === undefined) return asked;
  const { power } = machine.intent;
  return power === "stopped" || power === "deleted" ? Math.min(asked, host) : host;
}

/**
 * Whether work under way still serves the newest intent. Halt and release always do: a half-done one helps
 * nobody.
 */
export function isStillWanted(work: Work, step: Step): boolean {
  if (work.kind === "halt" || work.kind === "release" || work.kind === step) return true;
  return step === "idle" && work.kind !== "boot";
}

/** The machine's observation, without generation and time. */
export function seen(machine: Machine): Omit<Observation, "generation" | "atMs"> {
  const state = seenState(machine);
  const { reason, message } = seenReason(machine, state);
  return {
    instanceId: machine.spec.instanceId,
    ownerEpoch: machine.spec.ownerEpoch,
    intentGeneration: machine.intent.generation,
    resetCount: machine.resetCount,
    state,
    reason,
    message: brief(message),
    address: null,
    startedAtMs: machine.startedAtMs,
    ...saidPorts(machine),
    ...saidVolumes(machine),
  };
}

/** A message of at most machineLimits.messageLengthMax characters: controllers take no longer one. */
function brief(message: string): string {
  const { messageLengthMax } = machineLimits;
  return message.length <= messageLengthMax ? message : message.slice(0, messageLengthMax).toWellFormed();
}

function seenState(machine: Machine): SeenState {
  if (machine.gone) return "gone";
  if (machine.intent.power === "deleted") return "stopping";
  const up = wantsUp(machine);
  if (up && machine.guest === "none" && leaseLimitOf(machine) !== undefined) return barredDown(machine);
  switch (machine.guest) {
    case "running":
    case "paused":
      return up ? machine.guest : "stopping";
    case "down":
    case "unknown":
      return up ? "starting" : "stopping";
    case "none":
      return up ? comingUp(machine) : restingDown(machine);
  }
}

/** `starting` as long as an aborted boot may still start a process. */
function barredDown({ work }: Machine): SeenState {
  return work?.kind === "boot" ? "starting" : "stopped";
}

function comingUp(machine: Machine): SeenState {
  if (machine.work?.kind === "boot" && !machine.work.aborted) return machine.work.step;
  return machine.lost === undefined ? "preparing" : "starting";
}

/** `stopping` as long as an aborted boot may still start a process: until it has settled nothing is down. */
function restingDown(machine: Machine): SeenState {
  if (machine.work?.kind === "boot") return "stopping";
  return activeRest(machine)?.state ?? "stopped";
}

function activeRest(machine: Machine) {
  const { rest, intent } = machine;
  if (intent.power === "stopped" || intent.power === "deleted") return undefined;
  return rest?.generation === intent.generation ? rest : undefined;
}

const fullMessage = "A full storage has paused the guest: it goes on when there is room.";

function seenReason(machine: Machine, state: SeenState): { reason: MachineReason; message: string } {
  const rest = activeRest(machine);
  if (rest !== undefined && !machine.gone) return { reason: rest.reason, message: rest.message };
  if (machine.trouble !== undefined) return machine.trouble;
  if (machine.isFull && state === "paused") return { reason: "diskFull", message: fullMessage };
  if (!machine.gone && wantsUp(machine) && leaseLimitOf(machine) !== undefined)
    return { reason: "leaseLost", message: "" };
  if (machine.lost !== undefined && state === "starting") return machine.lost;
  return { reason: "requested", message: "" };
}
