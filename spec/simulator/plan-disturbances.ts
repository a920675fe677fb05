/**
 * The part of a plan that strikes actors, writers and disks, not processes: single turns that throw,
 * mailboxes that are full for a while, commits that stand in line at the store, answers of the store that
 * come late, disks that do not answer the guests of a host, full disks of the store and of the shared
 * storage, hosts whose reports lie, loops whose rounds throw or never end, and lost hosts that are removed.
 * Each has a stream of chance of its own. Pure.
 */
import type { Random } from "./random.ts";

export const disturbances = [
  "actorCrash",
  "mailboxesFull",
  "storeStalls",
  "answersLate",
  "storageHangs",
  "storeFull",
  "sharedFull",
  "disksLow",
  "hostLies",
  "loopBreaks",
  "loopHangs",
  "hostRemoved",
] as const;
export type Disturbance = (typeof disturbances)[number];

/** Kinds of messages whose turn may throw: of every actor of a controller, and of a host. */
export const controllerMessages = [
  ...["command", "observed", "placed", "reconcile", "recover", "move", "tellHosts", "reload"],
  ...["tick", "rank", "rankMany", "heard", "claimed", "full", "refresh", "hostsChanged"],
] as const;
export const hostMessages = [
  ...["ensure", "report", "news", "lease", "machineEnded"],
  ...["begin", "guest", "prepared", "settled", "timer"],
] as const;
const messages: readonly string[] = [...controllerMessages, ...hostMessages];

export interface PlannedDisturbance {
  readonly atMs: number;
  readonly fault: Disturbance;
  readonly target: number;
  readonly forMs: number;
  /** By how much answers are late, in ms at most. */
  readonly other?: number;
  /**
   * Of `actorCrash`: the kind of message in whose turn it throws; absent: the next one, whatever it is. Of
   * `loopBreaks` and `loopHangs`: the name of the loop.
   */
  readonly message?: string;
  /** Number of turns or rounds that are struck; absent: one. */
  readonly times?: number;
}

/** In a row, before a supervisor gives up and after. */
const crashesInRow = { once: 1, again: 3, givenUp: 7 } as const;

export function actorFaultsOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedDisturbance[] {
  const at = () => Math.round(random.between(fromMs, untilMs));
  const crashes = Array.from(
    { length: random.chance(0.5) ? 0 : random.whole(1, 8) },
    (): PlannedDisturbance => {
      const times = crashesInRow[random.weighted({ once: 12, again: 3, givenUp: 1 })];
      return {
        atMs: at(),
        fault: "actorCrash",
        target: random.whole(0, 30),
        forMs: Math.round(random.between(1_000, 15_000)),
        ...(random.chance(0.15) ? {} : { message: random.pick(messages) ?? "tick" }),
        ...(times === 1 ? {} : { times }),
      };
    },
  );
  const full = Array.from({ length: random.chance(0.7) ? 0 : random.whole(1, 3) }, (): PlannedDisturbance => {
    const forMs = random.chance(0.5) ? random.between(50, 1_000) : random.between(1_000, 15_000);
    return {
      ...{ atMs: at(), fault: "mailboxesFull", target: random.whole(0, 30), forMs: Math.round(forMs) },
    };
  });
  return [...crashes, ...full];
}

export function writerFaultsOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedDisturbance[] {
  const at = () => Math.round(random.between(fromMs, untilMs));
  const stalls = Array.from(
    { length: random.chance(0.6) ? 0 : random.whole(1, 4) },
    (): PlannedDisturbance => {
      return {
        ...{ atMs: at(), fault: "storeStalls", target: 0, forMs: Math.round(random.between(100, 6_000)) },
      };
    },
  );
  const late = Array.from({ length: random.chance(0.6) ? 0 : random.whole(1, 3) }, (): PlannedDisturbance => {
    return {
      ...{ atMs: at(), fault: "answersLate", target: random.whole(0, 30) },
      forMs: Math.round(random.between(1_000, 20_000)),
      other: Math.round(random.between(100, 4_000)),
    };
  });
  return [...stalls, ...late];
}

/**
 * Storage that hangs under the guests of a host; often the host is missed at the same time, so that its guard
 * has to stop guests that cannot be stopped.
 */
export function hangsOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedHang[] {
  return Array.from({ length: random.chance(0.6) ? 0 : random.whole(1, 2) }, () => {
    const atMs = Math.round(random.between(fromMs, untilMs));
    const target = random.whole(0, 30);
    const forMs = Math.round(random.between(500, 40_000));
    const missed = random.chance(0.6);
    const lostForMs = Math.round(random.between(8_000, 30_000));
    const hang = { atMs, fault: "storageHangs", target, forMs } as const;
    return missed ? [hang, { atMs, fault: "pauseAgent", target, forMs: lostForMs } as const] : [hang];
  }).flat();
}

type PlannedHang = Pick<PlannedDisturbance, "atMs" | "target" | "forMs"> & {
  readonly fault: "storageHangs" | "pauseAgent";
};

/** Full disks of the store and of the shared storage, also for longer than a host lease. */
export function fullDisksOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedDisturbance[] {
  const count = random.chance(0.7) ? 0 : random.whole(1, 3);
  return Array.from({ length: count }, (): PlannedDisturbance => {
    const fault = random.chance(0.5) ? "storeFull" : "sharedFull";
    const atMs = Math.round(random.between(fromMs, untilMs));
    return { atMs, fault, target: 0, forMs: Math.round(random.between(1_000, 60_000)) };
  });
}

/** Too little is free where hosts make disks, on all hosts or on one, often for longer than one is heard. */
export function lowDisksOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedDisturbance[] {
  return Array.from({ length: random.chance(0.8) ? 0 : random.whole(1, 2) }, (): PlannedDisturbance => {
    const atMs = Math.round(random.between(fromMs, untilMs));
    // All hosts, as when the storage that hosts share is low.
    const target = random.chance(0.5) ? allHosts : random.whole(0, 30);
    return { atMs, fault: "disksLow", target, forMs: Math.round(random.between(5_000, 120_000)) };
  });
}

/** The target of a fault that strikes every host. */
export const allHosts = -1;

/** Loops of a controller, whichever half they are in, and of an agent. */
export const controllerLoops = [
  ...["directory", "fencer", "renewals", "breaker", "publisher", "instance-registry", "space"],
  ...["reconciler", "recoverer", "waker"],
] as const;
const agentLoops = ["lease", "trimming", "space"] as const;

/** Rounds that throw, up to so many that the loop is given up, and rounds that never end. */
export function loopFaultsOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedDisturbance[] {
  const count = random.chance(0.6) ? 0 : random.whole(1, 4);
  return Array.from({ length: count }, (): PlannedDisturbance => {
    const hangs = random.chance(0.5);
    const times = hangs
      ? random.whole(1, 2)
      : crashesInRow[random.weighted({ once: 6, again: 2, givenUp: 1 })];
    return {
      atMs: Math.round(random.between(fromMs, untilMs)),
      fault: hangs ? "loopHangs" : "loopBreaks",
      target: random.whole(0, 30),
      forMs: Math.round(random.between(1_000, 20_000)),
      message: random.pick(random.chance(0.8) ? controllerLoops : agentLoops) ?? "directory",
      times,
    };
  });
}

/** Hosts whose reports lie, for a while. */
export function liesOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedDisturbance[] {
  const count = random.chance(0.7) ? 0 : random.whole(1, 3);
  return Array.from({ length: count }, (): PlannedDisturbance => {
    const atMs = Math.round(random.between(fromMs, untilMs));
    const forMs = Math.round(random.between(1_000, 30_000));
    return { atMs, fault: "hostLies", target: random.whole(0, 30), forMs };
  });
}

/** Hosts that are cut off, removed by an operator who takes them for lost, and come back. */
export function removalsOf(
  random: Random,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): readonly PlannedRemoval[] {
  if (random.chance(0.85)) return [];
  const atMs = Math.round(random.between(fromMs, untilMs));
  const [target, forMs] = [random.whole(0, 7), Math.round(random.between(20_000, 60_000))];
  const removedMs = atMs + Math.round(random.between(12_000, forMs));
  return [
    { atMs, fault: "isolate", target, forMs },
    { atMs: removedMs, fault: "hostRemoved", target, forMs: 0 },
  ];
}

type PlannedRemoval = Pick<PlannedDisturbance, "atMs" | "target" | "forMs"> & {
  readonly fault: "hostRemoved" | "isolate";
};
