/**
 * thirdLost: three of nine hosts lose their power at once. The likelier cause is on our own side: recovery
 * has to stop, to report it, and to go on when the hosts are back, with every guest where it was.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { round } from "./figures.ts";
import type { Note } from "./note.ts";
import { type HeardEvent, RecoveryWorld, type WorldOptions } from "./recovery-world.ts";

const hosts = 9;
const lost = 3;
const noticedWithinMs = 30_000;
/** Observation time, in which any recovery that still went on would have started. */
const observedMs = leaseLimits.leaseTtlMs;
const backWithinMs = 120_000;

interface ThirdLost {
  /** From the loss of the hosts to the event recoveryStopped. */
  readonly stoppedMs: number;
  /** From the loss to each fence; none is best. */
  readonly fencedMs: readonly number[];
  readonly movedGuests: number;
  /** The doctor's findings while the hosts are lost. */
  readonly doctor: readonly string[];
  /** From the return of the hosts to the event recoveryResumed. */
  readonly resumedMs: number;
  readonly countingMs: readonly number[];
  readonly problems: readonly string[];
}

export async function thirdLost(
  options: Omit<WorldOptions, "nodes" | "writerLog"> & {
    readonly directory: string;
    readonly runs: number;
    readonly note: Note;
  },
): Promise<unknown> {
  const { directory, runs, signal, say, note } = options;
  mkdirSync(directory, { recursive: true });
  const world = await RecoveryWorld.open({
    ...{ nodes: hosts, writerLog: join(directory, "writers.jsonl"), signal, say },
  });
  const done: ThirdLost[] = [];
  const problems: string[] = [];
  try {
    const ids = await world.createAnywhere(lost);
    for (let index = 0; index < runs; index += 1) {
      done.push(await once(world, ids));
      say(`thirdLost ${index + 1}/${runs}: ${JSON.stringify(done.at(-1))}`);
      note("thirdLost", { run: index + 1, ...done.at(-1) });
    }
    await world.deleteGuests(ids);
  } catch (error) {
    signal.throwIfAborted();
    say(`thirdLost cannot go on: ${String(error)}`);
    problems.push(String(error));
  } finally {
    const writers = await world.close();
    problems.push(...writers.twoWriters.map((one) => `two writers: ${one}`));
  }
  const summary = `${lost} of ${hosts} hosts lose their power at once, and come back`;
  return { summary, problems: [...done.flatMap((run) => run.problems), ...problems], runs: done };
}

async function once(world: RecoveryWorld, ids: readonly string[]): Promise<ThirdLost> {
  const { admin } = world.cluster;
  await world.until("all hosts are well", backWithinMs, () => world.hostsWell());
  const homes = new Map(ids.map((id) => [id, world.counters.newest(id)?.node ?? ""]));
  const victims = [...new Set([...homes.values(), ...world.nodeNames])].slice(0, lost);
  const sinceMs = performance.now();
  const since = (name: string): readonly HeardEvent[] =>
    world.events.filter(({ atMs, event }) => atMs > sinceMs && event.event === name);
  world.powerLoss(victims);
  const problems: string[] = [];
  const stopped = () => since("recoveryStopped").length > 0;
  await world.until("recovery stops", noticedWithinMs, stopped).catch((error: Error) => {
    problems.push(error.message);
  });
  await pause(observedMs, undefined, { signal: world.signal });
  const { findings } = await admin.doctor.examine({}, { timeoutMs: 60_000 });
  const fenced = since("fenced").filter(({ event }) => event.noun === "host");
  const moved = ids.filter((id) => world.counters.newest(id)?.node !== homes.get(id));
  if (fenced.length > 0) problems.push(`${fenced.length} hosts were fenced before recovery stopped`);
  const backMs = performance.now();
  for (const node of victims) world.powerBack(node);
  const resumed = () => since("recoveryResumed").length > 0;
  await world.until("recovery goes on", backWithinMs, resumed).catch((error: Error) => {
    problems.push(error.message);
  });
  const resumedMs = (since("recoveryResumed")[0]?.atMs ?? Number.NaN) - backMs;
  await world.until("all hosts are well again", backWithinMs, () => world.hostsWell());
  const counting = await Promise.all(
    ids.map(async (id) => {
      const newer = () => (world.counters.newest(id)?.firstAtMs ?? 0) > sinceMs;
      await world.until(`${id} counts`, backWithinMs, newer);
      return round(Math.max(0, (world.counters.newest(id)?.firstAtMs ?? 0) - backMs), 0);
    }),
  );
  return {
    stoppedMs: round((since("recoveryStopped")[0]?.atMs ?? Number.NaN) - sinceMs, 0),
    fencedMs: fenced.map(({ atMs }) => round(atMs - sinceMs, 0)),
    movedGuests: moved.length,
    doctor: findings.map(({ message }) => message),
    resumedMs: round(resumedMs, 0),
    countingMs: counting,
    problems,
  };
}
