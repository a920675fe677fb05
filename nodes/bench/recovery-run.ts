/**
 * One run of a case: breaks a host under its guests, measures what happens to the guests, heals the host, and
 * looks for violations. Violations are listed, not thrown; an error is thrown only when the run cannot go on.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { Boot } from "./counters.ts";
import { checkCopy, copyDisk, diskOf } from "./disk-check.ts";
import { round } from "./figures.ts";
import type { RecoveryCase } from "./recovery-cases.ts";
import type { RecoveryWorld } from "./recovery-world.ts";
import { checkRecords } from "./volume-check.ts";
import type { Opener } from "./writer-log.ts";

const recoveredWithinMs = 120_000;
const cleanWithinMs = 90_000;
/** Pause after everything is well again, in which any late move or stop of a guest would happen. */
const afterwardsMs = 3_000;
/** Pause after a fault that must move nothing: until a missed host lease would certainly have ended. */
const wouldHaveMovedMs = leaseLimits.leaseTtlMs + leaseLimits.fenceMarginMs + 3_000;

export interface Run {
  /** For each guest: from the fault to its first number on the other host, in ms. */
  readonly recoveryMs?: readonly number[];
  /** Recovery times of guests with a volume, and of those without. Absent: no guest has a volume. */
  readonly byVolume?: { readonly withMs: readonly number[]; readonly withoutMs: readonly number[] };
  /** From the fault to the fence. */
  readonly fencedMs?: number;
  /** The kind of the fence proof. */
  readonly fencedBy?: string | undefined;
  /** From the fault until the first guest opened its disk on the other host. */
  readonly openedMs?: number;
  /** From the end of the fault until the old host has nothing of the guests left, and holds a host lease. */
  readonly cleanMs?: number;
  /** For each guest, the longest time without a number, the move not counted. */
  readonly silentMs?: readonly number[];
  /** From the fault to the last number on the old host. */
  readonly countedOnMs?: number;
  readonly problems: readonly string[];
}

export interface Ground {
  readonly world: RecoveryWorld;
  readonly ids: readonly string[];
  /** The node that the guests are on. */
  readonly node: string;
  readonly other: string;
  /** Directory for copies of disks. */
  readonly directory: string;
}

export async function runOnce(ground: Ground, { expected, ...rest }: RecoveryCase): Promise<Run> {
  const { world, node, ids } = ground;
  await world.until("all hosts are well", cleanWithinMs, () => world.hostsWell());
  await world.countOn(ids, node, { sinceMs: performance.now(), withinMs: 60_000 });
  world.counters.forgetGaps();
  return expected === "moves" ? runMoving(ground, rest) : runStaying(ground, rest);
}

type Fault = Omit<RecoveryCase, "expected">;

async function runMoving(ground: Ground, fault: Fault): Promise<Run> {
  const { world, ids, node, other } = ground;
  const { signal } = world;
  const ownerEpoch = await world.leaseEpoch(node);
  const before = new Map(ids.map((id) => [id, world.counters.newest(id)]));
  await fault.inject(world, node);
  // Measured from here on: on a busy computer it may take long to find the processes to signal.
  const sinceMs = performance.now();
  world.writers.note({ fault: fault.summary, node });
  const copying = fault.healAfterMs === undefined ? copies(ground) : Promise.resolve([]);
  const opened = whenOpened(ground, sinceMs);
  const recovery = Promise.all(
    ids.map(async (id) => {
      const when = { node: other, sinceMs, withinMs: recoveredWithinMs, signal };
      await world.counters.saidOn(id, when);
      return round((firstOn(world, id, other, sinceMs)?.firstAtMs ?? 0) - sinceMs, 0);
    }),
  );
  const healing = healLater(ground, fault, { sinceMs, recovery });
  const recoveryMs = await recovery;
  const healedAtMs = await healing;
  const problems: string[] = [];
  await goneFrom(ground, ownerEpoch).catch((error: Error) => problems.push(error.message));
  const cleanMs = round(performance.now() - healedAtMs, 0);
  await pause(afterwardsMs, undefined, { signal });
  problems.push(...(await whereTheyAre(ground, other)), ...movedOnce(ground, sinceMs));
  for (const found of await copying) problems.push(...(await found()));
  const last = ids.map((id) => (before.get(id)?.lastAtMs ?? sinceMs) - sinceMs);
  const hasVolume = (index: number) => world.volumeOf(ids[index] ?? "") !== undefined;
  const withMs = recoveryMs.filter((_, index) => hasVolume(index));
  const withoutMs = recoveryMs.filter((_, index) => !hasVolume(index));
  return {
    recoveryMs,
    ...(withMs.length > 0 && { byVolume: { withMs, withoutMs } }),
    fencedMs: round((fenceSince(world, sinceMs)?.atMs ?? Number.NaN) - sinceMs, 0),
    fencedBy: Object(fenceSince(world, sinceMs)?.event.body).proof?.kind,
    openedMs: round((await opened) - sinceMs, 0),
    cleanMs,
    countedOnMs: round(Math.max(...last), 0),
    problems,
  };
}

const fenceSince = (world: RecoveryWorld, sinceMs: number) =>
  world.events.find(({ atMs, event }) => atMs > sinceMs && event.noun === "host" && event.event === "fenced");

const firstOn = (world: RecoveryWorld, id: string, node: string, sinceMs: number): Boot | undefined =>
  world.counters.bootsOf(id).find((boot) => boot.node === node && boot.firstAtMs > sinceMs);

async function whenOpened({ world, ids, other }: Ground, sinceMs: number): Promise<number> {
  const there = () =>
    ids.some((id) =>
      world.writers.openersOf(id).some(({ cwd, writes }) => writes && cwd.includes(`/${other}/`)),
    );
  try {
    await world.until("a guest has its disk open elsewhere", recoveredWithinMs, there);
    return performance.now();
  } catch {
    // A guest that does not start elsewhere is reported by the wait for its numbers.
    return sinceMs;
  }
}

async function healLater(
  { world, node }: Ground,
  fault: Fault,
  { sinceMs, recovery }: { sinceMs: number; recovery: Promise<unknown> },
): Promise<number> {
  const { healAfterMs } = fault;
  if (healAfterMs === undefined) await recovery.catch(() => undefined);
  else
    await pause(Math.max(0, sinceMs + healAfterMs - performance.now()), undefined, { signal: world.signal });
  world.writers.note({ healed: fault.summary, node });
  await fault.heal(world, node);
  return performance.now();
}

/** Resolves when the old host has nothing of the guests left and holds a new host lease. */
async function goneFrom({ world, node, ids }: Ground, ownerEpoch: number): Promise<void> {
  await world.until(
    `${node} holds a new lease`,
    cleanWithinMs,
    async () => (await world.leaseEpoch(node)) > ownerEpoch,
  );
  await world.until("all hosts are well again", cleanWithinMs, () => world.hostsWell());
  await world.until(
    `${node} has nothing of the guests: ${world.remainsOn(node, ids).join(", ")}`,
    cleanWithinMs,
    () => world.remainsOn(node, ids).length === 0,
  );
}

/**
 * Copies the disks at once, while nobody writes, and answers the checks, to be run when time is not being
 * measured.
 */
function copies({ world, ids, directory }: Ground): Promise<readonly (() => Promise<readonly string[]>)[]> {
  mkdirSync(directory, { recursive: true });
  return Promise.all(
    ids.map(async (id) => {
      const disk = diskOf(world.sharedGuests, id);
      if (disk === undefined) return async () => [`the disk of ${id} is not there`];
      const copy = join(directory, `${id}.raw`);
      // Copied now: a guest that starts elsewhere meanwhile says further numbers.
      const boots = world.counters.bootsOf(id).map((boot) => ({ ...boot }));
      const records = world.volumeOf(id) === undefined ? undefined : await world.recordsOf(id);
      await copyDisk(disk, copy);
      return async () =>
        [
          ...(await checkCopy(copy, boots)).problems,
          ...(records === undefined ? [] : checkRecords(records, boots).problems),
        ].map((one) => `${id} after the fault: ${one}`);
    }),
  );
}

async function whereTheyAre({ world, ids }: Ground, node: string): Promise<readonly string[]> {
  const found = await Promise.all(ids.map((id) => world.cluster.demo.instance.get(id, {})));
  return found.flatMap(({ instance }) => {
    const problems: string[] = [];
    if (instance.state !== "running" || instance.hostName !== node)
      problems.push(
        `${instance.id} is ${instance.state} on ${instance.hostName ?? "no host"}, not on ${node}`,
      );
    const openers = world.writers.openersOf(instance.id);
    const [only] = openers;
    if (openers.length !== 1 || only?.cwd.includes(`/${node}/`) !== true || only.state === "T")
      problems.push(`${instance.id} has the processes ${JSON.stringify(openers)}`);
    return [...problems, ...volumeProblems(world, instance.id, openers)];
  });
}

/** Violations of: one process has the volume, the one that has the disk, and the volume has one path. */
function volumeProblems(world: RecoveryWorld, id: string, disk: readonly Opener[]): readonly string[] {
  const volumeId = world.volumeOf(id);
  if (volumeId === undefined) return [];
  const pidsOf = (openers: readonly Opener[]) => openers.map(({ pid }) => pid).join(", ");
  const openers = world.writers.openersOf(volumeId);
  const places = world.volumePaths(id);
  const problems: string[] = [];
  if (pidsOf(openers) !== pidsOf(disk))
    problems.push(`the volume of ${id} is open in ${pidsOf(openers)}, its disk in ${pidsOf(disk)}`);
  if (places.length !== 1) problems.push(`the volume of ${id} lies at ${places.join(", ")}`);
  return problems;
}

/** Violations of: one boot on the other host since the fault, and none on the old one. */
function movedOnce({ world, ids, other }: Ground, sinceMs: number): readonly string[] {
  return ids.flatMap((id) => {
    const boots = world.counters.bootsOf(id).filter(({ firstAtMs }) => firstAtMs > sinceMs);
    const [first] = boots;
    return boots.length === 1 && first?.node === other
      ? []
      : [`${id} booted ${boots.length} times since the fault: ${boots.map((boot) => boot.node).join(", ")}`];
  });
}

async function runStaying(ground: Ground, fault: Fault): Promise<Run> {
  const { world, ids, node } = ground;
  const { signal } = world;
  const pids = ids.map((id) => world.writers.openersOf(id)[0]?.pid);
  await fault.inject(world, node);
  // Measured from here on: on a busy computer it may take long to find the processes to signal.
  const sinceMs = performance.now();
  world.writers.note({ fault: fault.summary, node });
  await healLater(ground, fault, { sinceMs, recovery: Promise.resolve() });
  await pause(wouldHaveMovedMs, undefined, { signal });
  await world.countOn(ids, node, { sinceMs: performance.now(), withinMs: 30_000 }).catch(() => []);
  const problems = [...(await whereTheyAre(ground, node))];
  for (const [index, id] of ids.entries()) {
    const pid = world.writers.openersOf(id)[0]?.pid;
    if (pid !== pids[index]) problems.push(`${id} had process ${pids[index]}, and has ${pid}`);
  }
  if (fenceSince(world, sinceMs) !== undefined) problems.push("a host was fenced");
  return { silentMs: ids.map((id) => round(world.counters.newest(id)?.gapMs ?? 0, 0)), problems };
}
