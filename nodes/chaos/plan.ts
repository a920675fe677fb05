/**
 * The plan of a run: which fault hits which target at which time. Made of a scenario, a seed and the parties
 * before anything is touched, so that the same seed breaks the same things at the same times. Pure.
 */
import { createRandom } from "./random.ts";
import { type Fault, lastingFaults, linkFaults, type Scenario } from "./scenario.ts";

/** The names of the possible targets. */
export interface Parties {
  readonly controllers: readonly string[];
  readonly nodes: readonly string[];
  /** The nodes whose guests are processes. */
  readonly realNodes: readonly string[];
  readonly projects: readonly string[];
}

export interface Step {
  readonly number: number;
  /** Since the beginning of the run, in ms. */
  readonly atMs: number;
  readonly fault: Fault;
  /** Name of a process, or of the project of a flood, or `guest`. */
  readonly target: string;
  /** 0 for a fault that does not last. */
  readonly durationMs: number;
  /** Which of several guests to hit: a number from 0 to 1. */
  readonly choice: number;
}

const faultSecondsDefault = 5;
/** How long before the end of the load the last faults end: some load must follow them. */
const calmEndMs = 2_000;

/** All steps in the order of their times. Two lasting faults never hit the same target at once. */
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

/** The possible targets of a fault; a name stands for itself, whether such a process lives or not. */
export function candidatesOf({ kind, target }: Fault, parties: Parties): readonly string[] {
  if (target === "controller") return parties.controllers;
  if (target === "node") return kind === "fill" ? parties.realNodes : parties.nodes;
  if (target === "project") return parties.projects.slice(-1);
  if (target === "guest") return parties.realNodes.length > 0 ? ["guest"] : [];
  return [target];
}

type Draft = Omit<Step, "number">;

/** Leaves out steps that would start while the same target is still broken. */
function apart(steps: readonly Draft[]): readonly Draft[] {
  const busyUntilMs = new Map<string, number>();
  return steps.filter(({ atMs, fault, target, durationMs }) => {
    const thing = linkFaults.includes(fault.kind) ? `${target}/${fault.server ?? "nats"}` : target;
    if (thing !== "guest" && (busyUntilMs.get(thing) ?? Number.NEGATIVE_INFINITY) >= atMs) return false;
    busyUntilMs.set(thing, Math.max(atMs + durationMs, busyUntilMs.get(thing) ?? 0));
    return true;
  });
}
