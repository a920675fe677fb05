/**
 * What is broken when: made of a scenario, a seed and the parties that are there, before anything is touched,
 * so that the same seed breaks the same things at the same times. Pure.
 */
import { createRandom } from "./random.ts";
import { type Fault, lastingFaults, linkFaults, type Scenario } from "./scenario.ts";

/** Names of what can be broken. */
export interface Parties {
  readonly controllers: readonly string[];
  readonly nodes: readonly string[];
  /** Those of the nodes whose guests are processes. */
  readonly qemuNodes: readonly string[];
}

export interface Step {
  readonly number: number;
  /** Since the beginning. */
  readonly atMs: number;
  readonly fault: Fault;
  /** A process's name, or `guest`. */
  readonly target: string;
  /** 0 where nothing lasts. */
  readonly durationMs: number;
  /** Of several guests: which one, from 0 to 1. */
  readonly choice: number;
}

const faultSecondsDefault = 5;
/** The last faults end so long before the load does: something shall happen after them, too. */
const calmEndMs = 2_000;

/** All steps in the order of their times. No two that last are on the same thing at once. */
export function planOf(
  scenario: Scenario,
  { seed, durationMs, parties }: { seed: number; durationMs: number; parties: Parties },
): readonly Step[] {
  const drafts = scenario.faults.flatMap((fault, index) => {
    const random = createRandom(seed, `fault ${index}`);
    const lastsMs = durationOf(fault);
    return timesOf(fault, random, durationMs - lastsMs - calmEndMs).flatMap((atMs) => {
      const candidates = candidatesOf(fault, parties);
      const choice = random.next();
      const target = candidates[Math.floor(choice * candidates.length)];
      const again = random.next();
      return target === undefined ? [] : [{ atMs, fault, target, durationMs: lastsMs, choice: again }];
    });
  });
  const ordered = drafts.sort((left, right) => left.atMs - right.atMs);
  return apart(ordered).map((draft, index) => ({ number: index + 1, ...draft }));
}

const durationOf = ({ kind, forSeconds }: Fault): number =>
  lastingFaults.includes(kind) ? Math.round((forSeconds ?? faultSecondsDefault) * 1_000) : 0;

function timesOf(fault: Fault, random: { between(from: number, to: number): number }, endMs: number) {
  if (fault.atSeconds !== undefined) return fault.atSeconds * 1_000 <= endMs ? [fault.atSeconds * 1_000] : [];
  const everyMs = (fault.everySeconds ?? faultSecondsDefault) * 1_000;
  const times: number[] = [];
  let atMs = random.between(0.2, 1.2) * everyMs;
  while (atMs <= endMs) {
    times.push(Math.round(atMs));
    atMs += random.between(0.5, 1.5) * everyMs;
  }
  return times;
}

/** Whom the fault may hit; a name stands for itself, whether it is there or not. */
export function candidatesOf({ kind, target }: Fault, parties: Parties): readonly string[] {
  if (target === "controller") return parties.controllers;
  if (target === "node") return kind === "fill" ? parties.qemuNodes : parties.nodes;
  if (target === "guest") return parties.qemuNodes.length > 0 ? ["guest"] : [];
  return [target];
}

type Draft = Omit<Step, "number">;

/** What would fall into a time in which the same thing is broken already is left out. */
function apart(steps: readonly Draft[]): readonly Draft[] {
  const busyUntilMs = new Map<string, number>();
  return steps.filter(({ atMs, fault, target, durationMs }) => {
    const thing = linkFaults.includes(fault.kind) ? `${target}/${fault.server ?? "nats"}` : target;
    if (thing !== "guest" && (busyUntilMs.get(thing) ?? Number.NEGATIVE_INFINITY) >= atMs) return false;
    busyUntilMs.set(thing, Math.max(atMs + durationMs, busyUntilMs.get(thing) ?? 0));
    return true;
  });
}
