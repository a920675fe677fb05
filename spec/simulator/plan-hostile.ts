/**
 * The part of a plan in which somebody is hostile: a project that floods, a host that lies for a while and is
 * honest afterwards. In such a plan nothing else is broken at that time, so that what happens to others can
 * be judged. It has a stream of chance of its own. Pure.
 */
import type { Random } from "./random.ts";

/** Beside `hostLies`, which comes among other faults as well. */
export const hostileDeeds = ["flood"] as const;

/** What a flood is made of. */
export const floodKinds = ["commands", "malformed", "oversized", "polls", "questions"] as const;
export type FloodKind = (typeof floodKinds)[number];

/** Kinds of lies in the reports of a host. */
export const lieKinds = [
  ...(["impossible", "invented", "foreign", "huge", "garbage", "endless", "talkative"] as const),
] as const;
export type LieKind = (typeof lieKinds)[number];

export type HostileWhat = FloodKind | LieKind | "mixed";

export interface PlannedHostile {
  readonly atMs: number;
  readonly fault: (typeof hostileDeeds)[number] | "hostLies";
  /** Which of the hosts; of a flood: projects that take part beside the first one. */
  readonly target: number;
  readonly forMs: number;
  /** Messages of a flood; observations in a report of a host that lies. */
  readonly other: number;
  readonly what: HostileWhat;
}

interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly controllers: number;
}

/** The project that floods; conspirators have its name and a number. */
export const floodProject = "flooders";
/** More projects than have a share each of all that a controller works on at once. */
const conspiratorsMax = 24;
/** Every project of the cell that is no operator's: the clients', the bystander's, and those that flood. */
export const projects: readonly string[] = [
  ...["demo", "other", "bystanders", floodProject],
  ...Array.from({ length: conspiratorsMax }, (_, at) => `${floodProject}-${at + 1}`),
];

/** Some plans have one; most have none. */
const chanceOf = { flood: 0.05, lies: 0.04 } as const;
/** What takes the simulator's own time comes less often: answers to discovery, refusals, large bodies. */
const shareOf: Partial<Record<HostileWhat, number>> = {
  questions: 0.1,
  malformed: 0.5,
  oversized: 0.1,
  mixed: 0.3,
};
const lastsMsMax = 6_000;
/** Until the first instances are there. */
const settleMs = 5_000;
/** Until hosts that were away have come back; and until its traces are gone. */
const [quietBeforeMs, quietAfterMs] = [25_000, 8_000];

export function hostileOf(random: Random, span: Span): readonly PlannedHostile[] {
  const roomMs = span.untilMs - quietAfterMs - (span.fromMs + settleMs);
  if (roomMs < lastsMsMax) return [];
  const [floods, lies] = [random.chance(chanceOf.flood), random.chance(chanceOf.lies)];
  const forMs = () => Math.round(random.between(1_000, lastsMsMax));
  const atMs = (lastsMs: number) => Math.round(span.fromMs + settleMs + random.next() * (roomMs - lastsMs));
  if (floods) {
    const [lastsMs, what] = [forMs(), random.pick([...floodKinds, "mixed" as const]) ?? "mixed"];
    const other = Math.round(random.between(2_000, 4_000) * span.controllers * (shareOf[what] ?? 1));
    const target = random.chance(0.3) ? random.whole(1, conspiratorsMax) : 0;
    return [{ atMs: atMs(lastsMs), fault: "flood", target, forMs: lastsMs, other, what }];
  }
  if (!lies) return [];
  const [lastsMs, what] = [forMs(), random.pick([...lieKinds, "mixed" as const]) ?? "mixed"];
  const target = random.whole(0, 30);
  const other = Math.round(random.between(10, 1_500));
  return [{ atMs: atMs(lastsMs), fault: "hostLies", target, forMs: lastsMs, other, what }];
}

/** The parameters of a plan in which somebody is hostile: no message and no commit is lost by chance. */
export function calmed<T extends { readonly driverLatencyMs: number }>(
  parameters: T,
  hostile: readonly PlannedHostile[],
): T {
  if (hostile.length === 0) return parameters;
  const none = { lost: 0, doubled: 0, late: 0, rolledBack: 0, answerLost: 0, slow: 0, refused: 0, hang: 0 };
  return { ...parameters, ...none, driverLatencyMs: Math.min(50, parameters.driverLatencyMs) };
}

/** The other faults, without those whose traces would be there at the same time. */
export function apartFrom<T extends Timed>(
  hostile: readonly PlannedHostile[],
  faults: readonly T[],
): readonly T[] {
  return faults.filter((fault) => hostile.every((deed) => !overlap(deed, fault)));
}

interface Timed {
  readonly atMs: number;
  readonly forMs: number;
  readonly fault?: string;
  readonly times?: number;
}

const overlap = (deed: PlannedHostile, fault: Timed): boolean =>
  fault.atMs < deed.atMs + deed.forMs + quietAfterMs &&
  fault.atMs + tracesMs(fault) + quietBeforeMs > deed.atMs;

/** As actorLimits.roundMsMax; what mutants may change must not be loaded with a plan. */
const roundMsMax = 60_000;

/** A round that hangs lasts until it is given up: then its loop pauses, whatever happens at that moment. */
const tracesMs = ({ fault, forMs, times = 1 }: Timed): number =>
  fault === "loopHangs" ? Math.max(forMs, times * roundMsMax) : forMs;
