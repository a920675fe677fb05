/**
 * recovery: what happens to guests whose host loses its power, its agent or its network. Real processes, real
 * QEMU with TCG, a cluster of its own; guests that count on their disks, and an observer of who may write to
 * them. The page cache, which a real power loss takes away, stays here.
 */
import { mkdirSync, mkdtempSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { missingForCounting } from "./counting-guest.ts";
import { checkCopy, copyDisk, diskOf } from "./disk-check.ts";
import { round, spread } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";
import { type RecoveryCase, recoveryCases, thirdLostName } from "./recovery-cases.ts";
import { type Run, runOnce } from "./recovery-run.ts";
import { thirdLost } from "./recovery-third.ts";
import { RecoveryWorld } from "./recovery-world.ts";
import { checkRecords } from "./volume-check.ts";

export interface RecoveryOptions {
  readonly runs?: number;
  /** Names of the cases to run, each of which there is; absent: all. */
  readonly cases?: readonly string[];
  /** Guests of one run; absent: as many as the case has. */
  readonly guests?: number;
  readonly signal: AbortSignal;
  /** Absent: nobody waits for parts. */
  readonly note?: Note;
}

const runsDefault = 5;
type CaseName = keyof typeof recoveryCases;
const say = (text: string): unknown => process.stderr.write(`  ${text}\n`);

export interface RecoveryResult {
  /** Of logs and of disks that are not as they should be. Absent: nothing was run. */
  readonly directory?: string;
  readonly [caseOrTarget: string]: unknown;
}

export async function recovery(options: RecoveryOptions): Promise<RecoveryResult> {
  const { signal, runs = runsDefault, note = unnoted } = options;
  const missing = missingForCounting();
  if (missing !== undefined) {
    process.stderr.write(`\n*** recovery is SKIPPED: ${missing} ***\n\n`);
    return { skipped: missing };
  }
  const names = options.cases ?? [...Object.keys(recoveryCases), thirdLostName];
  const results: Record<string, unknown> = {};
  const directory = mkdtempSync(join(tmpdir(), "novact-recovery-"));
  say(`logs of writers, and disks that are not as they should be: ${directory}`);
  for (const name of names) {
    signal.throwIfAborted();
    results[name] =
      name === thirdLostName
        ? await thirdLost({ signal, say, directory: join(directory, name), runs, note })
        : await measure(name as CaseName, join(directory, name), options);
  }
  return {
    directory,
    target: "power loss to the first number elsewhere: 99 % within 30 s, and at most 2 s later with a volume",
    ...results,
  };
}

async function measure(name: CaseName, directory: string, options: RecoveryOptions): Promise<unknown> {
  const what: RecoveryCase = recoveryCases[name];
  mkdirSync(directory, { recursive: true });
  const { signal, runs = runsDefault, guests = what.guests, note = unnoted } = options;
  const writerLog = join(directory, "writers.jsonl");
  const world = await RecoveryWorld.open({ nodes: 2, writerLog, signal, say });
  const done: (Run & { readonly load: number })[] = [];
  const problems: string[] = [];
  try {
    const [first = "", second = ""] = world.nodeNames;
    const ids = await world.createGuests(first, guests);
    if (what.volumes === true)
      for (const id of ids.filter((_, index) => index % 2 === 0)) await world.giveVolume(id);
    let [node, other] = [first, second];
    for (let index = 0; index < runs; index += 1) {
      const run = await runOnce(
        { world, ids, node, other, directory: join(directory, `${index + 1}`) },
        what,
      );
      done.push({ ...run, load: round(loadavg()[0] ?? 0, 2) });
      say(`${name} ${index + 1}/${runs}: ${JSON.stringify(run)}`);
      note(name, { run: index + 1, ...done.at(-1) });
      if (what.expected === "moves") [node, other] = [other, node];
    }
    problems.push(...(await lastLook(world, ids, directory)));
  } catch (error) {
    signal.throwIfAborted();
    say(`${name} cannot go on: ${String(error)}`);
    problems.push(String(error));
  } finally {
    const writers = await world.close();
    problems.push(...writers.twoWriters.map((one) => `two writers: ${one}`));
    problems.push(...writers.writtenByNobody.map((one) => `written by nobody: ${one}`));
    say(`${name}: writers ${JSON.stringify({ ...writers, twoWriters: writers.twoWriters.length })}`);
  }
  return summaryOf(what, { done, problems, guests });
}

/** Stops the guests, and checks all lines that they have written. */
async function lastLook(world: RecoveryWorld, ids: readonly string[], directory: string) {
  const { findings } = await world.cluster.admin.doctor.examine({}, { timeoutMs: 60_000 });
  const problems = findings.map(({ message }) => `doctor: ${message}`);
  await world.stopGuests(ids);
  for (const id of ids) {
    const disk = diskOf(world.sharedGuests, id) ?? "";
    const copy = join(directory, `${id}.raw`);
    await copyDisk(disk, copy);
    const found = await checkCopy(copy, world.counters.bootsOf(id));
    say(`${id}: ${found.lines} lines, ${found.problems.length} problems`);
    problems.push(...found.problems.map((one) => `${id} at the end: ${one}`));
    if (world.volumeOf(id) === undefined) continue;
    const onVolume = checkRecords(await world.recordsOf(id), world.counters.bootsOf(id));
    say(`${id}: ${onVolume.lines} blocks on its volume, ${onVolume.problems.length} problems`);
    problems.push(...onVolume.problems.map((one) => `${id} at the end: ${one}`));
  }
  await world.deleteGuests(ids);
  return problems;
}

function summaryOf(
  { summary, expected, volumes }: RecoveryCase,
  { done, problems, guests }: { done: readonly Run[]; problems: readonly string[]; guests: number },
) {
  const all = [...done.flatMap((run) => run.problems), ...problems];
  const of = (values: (run: Run) => readonly number[]) => {
    const samples = done.flatMap(values).filter((value) => Number.isFinite(value));
    return samples.length === 0 ? {} : spread(samples);
  };
  const one = (value: number | undefined) => (value === undefined ? [] : [value]);
  const figures =
    expected === "moves"
      ? {
          recoveryMs: of((run) => run.recoveryMs ?? []),
          ...(volumes === true && besideOthers(done)),
          fencedMs: of((run) => one(run.fencedMs)),
          openedMs: of((run) => one(run.openedMs)),
          countedOnMs: of((run) => one(run.countedOnMs)),
          cleanMs: of((run) => one(run.cleanMs)),
        }
      : { silentMs: of((run) => run.silentMs ?? []) };
  return { summary, guestsOfOneRun: guests, problems: all, ...figures, runs: done };
}

/** Guests with a volume beside those without, whose host lost its power at the same moment. */
function besideOthers(done: readonly Run[]) {
  const withMs = spread(done.flatMap(({ byVolume }) => byVolume?.withMs ?? []));
  const withoutMs = spread(done.flatMap(({ byVolume }) => byVolume?.withoutMs ?? []));
  return { byVolume: { withMs, withoutMs, p99AboveMs: round(withMs.p99 - withoutMs.p99, 0) } };
}
