/**
 * Whether an intent is accepted: the newest generation of the newest owner epoch counts, older ones are
 * refused, and a repetition changes nothing. A deleted machine is never wanted back: its disk is going. Pure.
 */
import { generationAfter, isPossible } from "../../../protocol/generation.ts";
import type { MachineIntent, MachineSpec, Observation } from "../../../protocol/machine.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { Answer, EnsureRequest } from "./messages.ts";
import { type BlankMachine, freshMachine, type Machine, type MachineState } from "./state.ts";

export interface Ensured {
  readonly next: MachineState;
  /** `present`: answer with the machine's observation after this turn. */
  readonly reply: Answer | { readonly kind: "present" };
  /** An observation of an owner epoch that the machine no longer has. */
  readonly publish?: Observation;
}

const present = { kind: "present" } as const;

export function onEnsure(state: MachineState, request: EnsureRequest): Ensured {
  if (state.kind === "blank") return onBlank(state, request);
  const newest = state.successor ?? state;
  if (request.spec.ownerEpoch > newest.spec.ownerEpoch) return onNewerEpoch(state, request);
  if (request.spec.ownerEpoch < newest.spec.ownerEpoch) return onOlderEpoch(state, request);
  return state.successor === undefined ? onSameEpoch(state, request) : onSuccessor(state, request);
}

/**
 * One that has gone is not made anew only to be removed, nor by what is older than its end: its host stops
 * the actor once it reads that the machine is gone, and would leave behind what was made meanwhile.
 */
function onBlank(blank: BlankMachine, request: EnsureRequest): Ensured {
  const { guest, went } = blank;
  const { spec, intent, observedGeneration } = request;
  if (went === undefined || spec.ownerEpoch > went.ownerEpoch)
    return { next: freshMachine(request, guest), reply: present };
  const isOlder = spec.ownerEpoch < went.ownerEpoch;
  if (intent.power === "deleted")
    return { next: blank, reply: { kind: "observation", observation: isOlder ? goneOf(request) : went } };
  if (isOlder || intent.generation <= went.intentGeneration) {
    const message = `The instance ${spec.instanceId} has left this host.`;
    return { next: blank, reply: denied(isOlder ? "staleEpoch" : "staleGeneration", message) };
  }
  const aboveGeneration = Math.max(observedGeneration, went.generation);
  return { next: freshMachine({ ...request, observedGeneration: aboveGeneration }, guest), reply: present };
}

/**
 * Whether the machine wants anything newer after the request than before: that must be written down before
 * it is answered.
 */
export function takesUp(before: MachineState, after: MachineState): boolean {
  const [had, has] = [newestOf(before), newestOf(after)];
  if (had === undefined || has === undefined) return has !== undefined;
  return has.spec.ownerEpoch !== had.spec.ownerEpoch || has.intent.generation !== had.intent.generation;
}

const newestOf = (state: MachineState): Pick<EnsureRequest, "spec" | "intent"> | undefined =>
  state.kind === "blank" ? undefined : (state.successor ?? state);

/** Removes the older owner epoch first, as if it had been deleted; then the newer one begins. */
function onNewerEpoch(machine: Machine, request: EnsureRequest): Ensured {
  if (machine.gone) {
    const { counter, hostStopping } = machine;
    return { next: { ...freshMachine(request, undefined), counter, hostStopping }, reply: present };
  }
  // The newer owner epoch takes over the guest's disk, here as on any other host.
  const keepDisk = machine.intent.keepDisk || request.spec.takesOverDisk;
  const intent: MachineIntent = { ...machine.intent, keepDisk, power: "deleted" };
  const next = { ...renewed(machine, intent), successor: request };
  return { next, reply: { kind: "observation", observation: provisional(request) } };
}

/** Nothing is left of an older owner epoch, so a controller that wants it deleted is answered `gone`. */
function onOlderEpoch(machine: Machine, request: EnsureRequest): Ensured {
  const { ownerEpoch, instanceId } = request.spec;
  if (request.intent.power !== "deleted" || ownerEpoch >= machine.spec.ownerEpoch) {
    const message = `The host has epoch ${machine.spec.ownerEpoch} of the instance ${instanceId}, not ${ownerEpoch}.`;
    return { next: machine, reply: denied("staleEpoch", message) };
  }
  const observation = goneOf(request);
  return { next: machine, reply: { kind: "observation", observation }, publish: observation };
}

/** The observation `gone` for an owner epoch that is not here any more. */
export function goneOf(request: EnsureRequest): Observation {
  return { ...provisional(request), generation: generationAfter(request.observedGeneration), state: "gone" };
}

function onSuccessor(machine: Machine, request: EnsureRequest): Ensured {
  const known = machine.successor?.intent.generation ?? 0;
  if (request.intent.generation < known) return { next: machine, reply: stale(request, known) };
  const next = request.intent.generation > known ? { ...machine, successor: request } : machine;
  return { next, reply: { kind: "observation", observation: provisional(request) } };
}

function onSameEpoch(machine: Machine, request: EnsureRequest): Ensured {
  const { intent, observedGeneration, spec } = request;
  const known = machine.intent.generation;
  if (intent.generation < known) return { next: machine, reply: stale(request, known) };
  const counted = countedFrom(machine, observedGeneration);
  // Controllers may have this generation from a life whose file was lost: publish again, above it.
  const mistaken = counted.revived && observedGeneration >= counted.observation.generation;
  const seenFloor = mistaken
    ? Math.max(observedGeneration, counted.observation.generation) + 1
    : observedGeneration;
  const generationFloor = Math.max(counted.generationFloor, seenFloor);
  const leaseEpoch = Math.max(counted.leaseEpoch, request.leaseEpoch);
  const heard = { ...counted, generationFloor, leaseEpoch, revived: false };
  if (intent.generation === known) return { next: heard, reply: present };
  const going = counted.intent.power === "deleted";
  const next = renewed(retold(heard, spec), going ? { ...intent, power: "deleted" } : intent);
  return { next, reply: present };
}

/**
 * What the guest is told may be another at each command, and the guest hears of it when it starts again; so
 * may its interfaces and volumes, which come and go at once. What a message does not have stays as it is.
 */
function retold(machine: Machine, { guest, interfaces, volumes, forcedVolumes }: MachineSpec): Machine {
  if (guest === undefined && interfaces === undefined && volumes === undefined) return machine;
  const told = { ...(guest && { guest }), ...(interfaces && { interfaces }) };
  const spec = { ...machine.spec, ...told };
  if (volumes === undefined) return { ...machine, spec };
  const { forcedVolumes: _, ...others } = spec;
  return { ...machine, spec: { ...others, volumes, ...(forcedVolumes && { forcedVolumes }) } };
}

/**
 * The machine with a generation that controllers can take: they take none that is far above the one they
 * have, so a number in the file that cannot be is not counted on from.
 */
function countedFrom(machine: Machine, stored: number): Machine {
  if (isPossible(stored, machine.observation.generation)) return machine;
  const observation = { ...machine.observation, generation: stored };
  return { ...machine, observation, generationFloor: stored + 1, generationCeiling: stored };
}

/** A newer intent ends all waiting; a start that a user asked for also forgets the guest's earlier losses. */
function renewed(machine: Machine, intent: MachineIntent): Machine {
  const losses = intent.startCount > machine.intent.startCount ? [] : machine.losses;
  const fresh = { wait: undefined, button: undefined, attempts: 0, trouble: undefined };
  return { ...machine, ...fresh, intent, losses };
}

/**
 * The answer for a machine that does not exist yet or any more; its generation is not above the one that
 * controllers know.
 */
function provisional({ spec, intent, observedGeneration }: EnsureRequest): Observation {
  return {
    instanceId: spec.instanceId,
    ownerEpoch: spec.ownerEpoch,
    generation: observedGeneration,
    intentGeneration: intent.generation,
    resetCount: intent.resetCount,
    state: "preparing",
    reason: "requested",
    message: "",
    address: null,
    startedAtMs: null,
    atMs: 0,
  };
}

function stale({ spec, intent }: EnsureRequest, known: number): Answer {
  const message = `The host knows generation ${known} of the instance ${spec.instanceId}, not ${intent.generation}.`;
  return denied("staleGeneration", message);
}

function denied(reason: Denial["reason"], message: string): Answer {
  return { kind: "denied", denial: { reason, message } };
}
