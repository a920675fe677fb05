/**
 * What a machine actor knows: the newest intent, what its guest is doing, and the one piece of work under
 * way.
 *
 *   preparing ─▶ starting ─▶ running ◀─▶ paused        any ─▶ failed (no process; a newer intent leaves it)
 *       ▲                       │           │
 *    stopped ◀──── stopping ◀───┴───────────┘          any ─▶ stopping ─▶ gone (power deleted)
 *
 * The states above are not stored: plan.ts derives them from the facts below, so the two can never disagree.
 * Pure data: no clock, no I/O.
 */
import type { MachineIntent, MachineSpec, Observation, VolumeRef } from "../../../protocol/machine.ts";
import type { MachineReason } from "../../../protocol/states.ts";
import type { GuestStatus, Loss } from "../../ports/hypervisor.ts";
import { type Lease, noLease } from "./lease.ts";
import { machineLimits } from "./limits.ts";
import type { Deed, EnsureRequest, GuestFacts } from "./messages.ts";
import type { HeldVolumes, VolumeNote } from "./volume-facts.ts";

/**
 * `none`: proved that there is no process. `down`: the guest has ended, its process is left over. `unknown`:
 * there may be a process, because a start was aborted or failed, or because the process died: only a halt
 * leads to `none`.
 */
export type GuestCondition = "none" | "running" | "paused" | "down" | "unknown";

export type WorkKind = "boot" | "wire" | "pause" | "resume" | "reset" | "press" | "halt" | "release";

export interface Work {
  readonly id: number;
  readonly kind: WorkKind;
  /** For a boot: how far it has come. */
  readonly step: "preparing" | "starting";
  readonly aborted: boolean;
  /** For a reset: the count of resets once it is done. */
  readonly resetCount: number;
  /** For a boot: what the guest did before the boot was known to have ended. */
  readonly early: Deed | undefined;
  /** Ids of the ports of the spec that it began with: a newer spec may have come meanwhile. */
  readonly ports: readonly string[] | undefined;
  /** Ids of the ports that were known to be plugged in when it began. */
  readonly had: readonly string[];
  /** The volumes of the spec that it began with. Undefined: it leaves volumes alone. */
  readonly volumes?: readonly VolumeRef[] | undefined;
  /** The guest has given back a volume meanwhile that it is to have. */
  readonly ejected?: boolean;
  /** The volumes that it does not ask the guest for. */
  readonly forced?: readonly VolumeRef[] | undefined;
  /** For a resume: a full storage has paused the guest. */
  readonly isFull?: boolean;
}

/**
 * The one timer. `button`: waits for the guest's answer. `retry`: holds all work. `restart`: holds the next
 * boot only.
 */
export interface Wait {
  readonly id: number;
  readonly kind: "button" | "retry" | "restart";
  readonly ms: number;
}

/** The machine stays down although its intent wants it up, until a newer intent comes. */
export interface Rest {
  readonly generation: number;
  readonly state: "failed" | "stopped";
  readonly reason: MachineReason;
  readonly message: string;
}

export interface Trouble {
  readonly reason: MachineReason;
  readonly message: string;
}

/** A machine that was asked for nothing yet. `guest`: a living process that has no file. */
export interface BlankMachine {
  readonly kind: "blank";
  readonly guest: GuestFacts | undefined;
  /** What the machine said when it went, in an earlier incarnation: its host may not know it yet. */
  readonly went?: Observation | undefined;
}

export interface Machine {
  readonly kind: "known";
  readonly spec: MachineSpec;
  readonly intent: MachineIntent;
  /** Epoch of the host lease under which the machine was claimed; 0: no host lease. */
  readonly leaseEpoch: number;
  /** The host lease as of this turn. */
  readonly lease: Lease;
  readonly guest: GuestCondition;
  readonly startedAtMs: number | null;
  readonly resetCount: number;
  /**
   * Ids of the ports that the host has of the machine: these and no others but the pending ones, plugged in
   * if its guest lives. Undefined: not known for sure, until the next boot or wiring has come so far.
   */
  readonly wired: readonly string[] | undefined;
  /** Ids of further ports that the host may have of it by now: they are being plugged in, or could not be. */
  readonly pending: readonly string[];
  /**
   * The volumes that its process has. Undefined: not known, until a boot or a wiring has asked the
   * hypervisor. Without a process: those that a storage may have noted for it.
   */
  readonly held: HeldVolumes | undefined;
  readonly notes: readonly VolumeNote[];
  /** A full storage has paused the guest: it goes on when there is room. */
  readonly isFull: boolean;
  readonly work: Work | undefined;
  readonly wait: Wait | undefined;
  /** The power button, if it was pressed for the present intent. */
  readonly button: Button | undefined;
  /**
   * The power button was pressed on this process at some time: even if it shuts down late, it was asked to.
   */
  readonly shutdownAsked: boolean;
  readonly rest: Rest | undefined;
  /** Why the process died; the guest has not run since. */
  readonly lost: Loss | undefined;
  /** Times at which processes died inside the window, on the monotonic clock. */
  readonly losses: readonly number[];
  /** Failures in a row of work that must not be given up. */
  readonly attempts: number;
  readonly trouble: Trouble | undefined;
  /** Set while the host shuts its guests down. */
  readonly hostStopping: { readonly graceMs: number } | undefined;
  /** The request of a newer owner epoch on this host; the newer machine begins when the older is gone. */
  readonly successor: EnsureRequest | undefined;
  readonly gone: boolean;
  /** The last observation that was published. */
  readonly observation: Observation;
  /** A generation that controllers know already: the next one must be above it. */
  readonly generationFloor: number;
  /**
   * It was revived from its file, and no controller has yet said which generation it knows: an earlier life
   * whose file could not be written may have published generations that the file does not have.
   */
  readonly revived: boolean;
  /** The highest generation that the file reserves. */
  readonly generationCeiling: number;
  /** Counter for the ids of work and timers. */
  readonly counter: number;
}

/**
 * `pressed`: the guest has a moment to answer. `again`: the guest has not answered, perhaps because it is
 * still booting: the button is pressed again. `expired`: all of the guest's time is over.
 */
export interface Button {
  readonly kind: "pressed" | "again" | "expired";
  /** What remains of the guest's time after the present wait. */
  readonly leftMs: number;
}

export type MachineState = BlankMachine | Machine;

/** A machine that was never on this host. `guest`: a process without a file, if there is one. */
export function freshMachine(request: EnsureRequest, guest: GuestFacts | undefined): Machine {
  const { spec, intent, observedGeneration } = request;
  const up = intent.power === "running" || intent.power === "paused";
  const ours = guest !== undefined && guest.ownerEpoch === spec.ownerEpoch;
  const condition = ours ? conditionOf(guest) : up && guest === undefined ? "none" : "unknown";
  return {
    ...newMachine({ spec, intent, resetCount: intent.resetCount, generation: observedGeneration }),
    leaseEpoch: request.leaseEpoch,
    guest: condition,
    startedAtMs: ours ? guest.startedAtMs : null,
    isFull: ours && isStoppedByFull(guest),
    rest: ours ? restAfter(guest.status, intent) : undefined,
  };
}

/** Why a guest that ended while nobody watched stays down. A due reset starts it again instead. */
export function restAfter(status: GuestStatus, intent: MachineIntent): Rest | undefined {
  const { generation, power } = intent;
  if (power === "stopped" || power === "deleted") return undefined;
  if (status === "shutdown") return { generation, state: "stopped", reason: "guestShutdown", message: "" };
  if (status === "panicked") return panicRest(generation);
  return undefined;
}

export function panicRest(generation: number): Rest {
  return { generation, state: "failed", reason: "guestPanic", message: "The guest's kernel panicked." };
}

export const isStoppedByFull = ({ status, pausedBy }: GuestFacts): boolean =>
  status === "paused" && pausedBy === "diskFull";

export function conditionOf(guest: GuestFacts): "running" | "paused" | "down" {
  if (guest.status === "running" || guest.status === "paused") return guest.status;
  return "down";
}

export interface NewMachine {
  readonly spec: MachineSpec;
  readonly intent: MachineIntent;
  readonly resetCount: number;
  /** The first observation gets a higher generation. */
  readonly generation: number;
}

export function newMachine({ spec, intent, resetCount, generation }: NewMachine): Machine {
  return {
    kind: "known",
    spec,
    intent,
    leaseEpoch: 0,
    lease: noLease,
    resetCount,
    wired: undefined,
    pending: [],
    held: undefined,
    notes: [],
    isFull: false,
    guest: "none",
    startedAtMs: null,
    work: undefined,
    wait: undefined,
    button: undefined,
    shutdownAsked: false,
    rest: undefined,
    lost: undefined,
    losses: [],
    attempts: 0,
    trouble: undefined,
    hostStopping: undefined,
    successor: undefined,
    gone: false,
    observation: unseen(spec, generation),
    generationFloor: generation,
    revived: false,
    generationCeiling: generation,
    counter: 0,
  };
}

/** Stands for "nothing published yet": it equals no observation, as no intent has the generation -1. */
function unseen(spec: MachineSpec, generation: number): Observation {
  return {
    instanceId: spec.instanceId,
    ownerEpoch: spec.ownerEpoch,
    generation,
    intentGeneration: -1,
    resetCount: 0,
    state: "stopped",
    reason: "requested",
    message: "",
    address: null,
    startedAtMs: null,
    atMs: 0,
  };
}

/** The ceiling to reserve for this generation: the present one, if it is high enough. */
export function ceilingFor(generation: number, ceiling: number): number {
  return generation <= ceiling ? ceiling : generation + machineLimits.generationsPerWrite;
}

/** Whether the intent wants a living guest, and no rest for this generation keeps it down. */
export function wantsUp(machine: Machine): boolean {
  const { power, generation } = machine.intent;
  if (power === "stopped" || power === "deleted") return false;
  return machine.rest === undefined || machine.rest.generation !== generation;
}
