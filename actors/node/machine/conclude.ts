/**
 * The end of every decision: the next step is begun, work of an older intent is aborted, a changed
 * observation gets its generation, and the file's new content is written down. Only here does a machine begin
 * work: never two pieces at once. Pure.
 */
import { generationAfter } from "../../../protocol/generation.ts";
import type { Observation } from "../../../protocol/machine.ts";
import type { Ensured } from "./ensure.ts";
import { fileDiffers, fileOf, type MachineFile } from "./file.ts";
import { under } from "./lease-limit.ts";
import type { Answer, Moment } from "./messages.ts";
import { isStillWanted, nextStep, partsOf, seen } from "./plan.ts";
import { succeed } from "./settle.ts";
import { ceilingFor, type Machine, type MachineState, type Wait, type Work } from "./state.ts";
import { isGivingWhatLeaves, isTooPatient, volumesOf } from "./volume-plan.ts";
import { isPluggingWhatLeaves, portsOf, unknownWiring } from "./wiring.ts";

export type Effect =
  | { readonly kind: "startWork"; readonly work: Work }
  | { readonly kind: "abortWork"; readonly workId: number }
  /** Replaces the present timer. */
  | { readonly kind: "startTimer"; readonly timerId: number; readonly ms: number }
  | { readonly kind: "cancelTimer" }
  | { readonly kind: "publish"; readonly observation: Observation };

/** Carried out in this order: the file is written, the question is answered, the effects are started. */
export interface Decision {
  readonly next: MachineState;
  readonly save: MachineFile | undefined;
  readonly answer: Answer | undefined;
  readonly effects: readonly Effect[];
}

export interface Concluding {
  readonly before: MachineState;
  readonly next: MachineState;
  readonly at: Moment;
  readonly reply?: Ensured["reply"];
  readonly publish?: Observation | undefined;
}

export function conclude({ before, next, at, reply, publish }: Concluding): Decision {
  const effects: Effect[] = publish === undefined ? [] : [{ kind: "publish", observation: publish }];
  if (next.kind === "blank")
    return { next, save: undefined, answer: reply?.kind === "present" ? undefined : reply, effects };
  const seenLast = observe(advance(under(next, at.lease), effects), at, effects);
  const successor = succeed(seenLast);
  const after =
    successor === undefined ? seenLast : observe(advance(under(successor, at.lease), effects), at, effects);
  const old = before.kind === "known" ? before : undefined;
  rewind(old?.wait, after.wait, effects);
  const changed = old === undefined || fileDiffers(old, after);
  return {
    next: after,
    save: changed && !after.gone ? fileOf(after) : undefined,
    answer: reply?.kind === "present" ? { kind: "observation", observation: after.observation } : reply,
    effects,
  };
}

/** The first decision after a machine was revived from its file: publishes the machine's observation. */
export function introduce(machine: Machine, at: Moment): Decision {
  const effects: Effect[] = [];
  const next = observe(under(machine, at.lease), at, effects);
  return { next, save: fileOf(next), answer: undefined, effects };
}

/** Begins the next step, or aborts work that stands in its way. */
function advance(machine: Machine, effects: Effect[]): Machine {
  const step = nextStep(machine);
  const { work } = machine;
  if (work !== undefined) {
    const { spec } = machine;
    const isVain =
      isPluggingWhatLeaves(work, spec) || isGivingWhatLeaves(work, spec) || isTooPatient(work, spec);
    if (work.aborted || (isStillWanted(work, step) && !isVain)) return machine;
    effects.push({ kind: "abortWork", workId: work.id });
    return { ...machine, work: { ...work, aborted: true } };
  }
  if (step === "idle" || machine.wait?.kind === "retry") return machine;
  const id = machine.counter + 1;
  const { resetCount } = machine.intent;
  const begun = { id, kind: step, step: "preparing", aborted: false, resetCount, early: undefined } as const;
  const due = partsOf(machine, step);
  const next: Work = {
    ...{ ...begun, had: machine.wired ?? [], isFull: machine.isFull },
    ports: due.ports ? portsOf(machine.spec) : undefined,
    volumes: due.volumes ? volumesOf(machine.spec) : undefined,
    forced: due.volumes ? machine.spec.forcedVolumes : undefined,
  };
  effects.push({ kind: "startWork", work: next });
  // Written down before it begins: whoever finds it half done must not believe what was there before.
  const { wired, pending } = due.ports ? unknownWiring : machine;
  const held = due.volumes ? undefined : machine.held;
  const shutdownAsked = machine.shutdownAsked || step === "press";
  return { ...machine, work: next, counter: id, shutdownAsked, wired, pending, held };
}

/**
 * Publishes an observation when it differs from the last one published, or when controllers know a higher
 * generation.
 */
function observe(machine: Machine, at: Moment, effects: Effect[]): Machine {
  const { observation: last, generationFloor } = machine;
  const now = seen(machine);
  if (isSame(last, now) && generationFloor <= last.generation) return machine;
  const generation = generationAfter(Math.max(last.generation, generationFloor));
  const observation = { ...now, generation, atMs: at.wallMs };
  effects.push({ kind: "publish", observation });
  const generationCeiling = ceilingFor(generation, machine.generationCeiling);
  return { ...machine, observation, generationFloor: generation, generationCeiling };
}

function isSame(last: Observation, now: Omit<Observation, "generation" | "atMs">): boolean {
  return (
    last.state === now.state &&
    last.intentGeneration === now.intentGeneration &&
    last.resetCount === now.resetCount &&
    last.reason === now.reason &&
    last.message === now.message &&
    last.startedAtMs === now.startedAtMs &&
    // Ports and volumes that are not known for a moment are no news.
    (now.ports === undefined || now.ports.join(" ") === last.ports?.join(" ")) &&
    (now.volumes === undefined || JSON.stringify(now.volumes) === JSON.stringify(last.volumes))
  );
}

function rewind(before: Wait | undefined, after: Wait | undefined, effects: Effect[]): void {
  if (before?.id === after?.id) return;
  if (after === undefined) effects.push({ kind: "cancelTimer" });
  else effects.push({ kind: "startTimer", timerId: after.id, ms: after.ms });
}
