/**
 * Processes according to the kernel: identity, start time, and proof of their end. A pid alone proves
 * nothing, because the kernel gives it out again after its owner's death; pid and start time together
 * identify one process of this boot. This file must never signal a process whose start time it has not just
 * compared.
 */
import { readFile, readlink } from "node:fs/promises";
import type { Clock } from "../../protocol/wire/transport.ts";
import { isFrozen } from "./cgroup/membership.ts";
import { driverLimits } from "./limits.ts";
import { ArgumentReader } from "./process-arguments.ts";
import { listProcesses, livingStat, type SeenProcess } from "./process-owners.ts";
import { parseStat, parseUids } from "./process-stat.ts";
import { sharedPartOf } from "./process-tasks.ts";
import { delay, throwIfAborted } from "./waiting.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly startTicks: number;
}

export interface ProcessFacts extends ProcessIdentity {
  /** The process's state as one letter: R, S, D, T (stopped, or frozen with its cgroup), Z (zombie), … */
  readonly state: string;
  readonly executable: string;
  readonly cwd: string;
  /** Empty as well for a process that did not answer in time. */
  readonly argv: readonly string[];
  /** It did not answer in time: what it is, is unknown. */
  readonly unread?: true;
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[];
}

/**
 * Period of looking for the end of a process that was told to end: /proc proves the end, but sends no events.
 */
const goneProbePeriodMs = 3;

/** The only reader of the agent: every read of arguments shares the same threads. */
const argumentReader = new ArgumentReader({
  atOnce: driverLimits.argumentReadsMax,
  patienceMs: driverLimits.argumentPatienceMs,
});

/**
 * The facts about a process; undefined when there is no such process, or only its zombie, which has no
 * memory, file or lock any more.
 */
export async function readProcess(
  pid: number,
  reader: Pick<ArgumentReader, "read"> = argumentReader,
): Promise<ProcessFacts | undefined> {
  const facts = livingStat(pid);
  if (facts === undefined) return undefined;
  const { state, startTicks } = facts;
  const part = state === "Z" ? sharedPartOf(pid) : String(pid);
  try {
    const [read, status, executable, cwd] = await Promise.all([
      reader.read({ pid, startTicks }),
      readFile(`/proc/${pid}/status`, "latin1"),
      readlink(`/proc/${part}/exe`).catch(() => ""),
      readlink(`/proc/${part}/cwd`).catch(() => ""),
    ]);
    const seen = state !== "Z" && isFrozen(pid) ? "T" : state;
    const told = read === undefined ? ({ argv: [], unread: true } as const) : { argv: read };
    return { pid, startTicks, state: seen, executable, cwd, ...told, uids: parseUids(status) };
  } catch (error) {
    if (isGoneError(error)) return undefined;
    throw error;
  }
}

function isGoneError(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ESRCH";
}

/** True while exactly this process lives: same pid, same start time, not a zombie. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  try {
    const facts = parseStat(await readFile(`/proc/${identity.pid}/stat`, "latin1"));
    return facts !== undefined && facts.startTicks === identity.startTicks && !facts.dead;
  } catch (error) {
    if (isGoneError(error)) return false;
    throw error;
  }
}

/** True once the process is proved gone; false when it still lives after the time. @throws AbortError */
export async function waitGone(
  identity: ProcessIdentity,
  options: { readonly timeoutMs: number; readonly clock: Clock; readonly signal?: AbortSignal },
): Promise<boolean> {
  const deadline = options.clock.monotonicMs() + options.timeoutMs;
  while (await isAlive(identity)) {
    throwIfAborted(options.signal);
    if (options.clock.monotonicMs() >= deadline) return false;
    await delay(options.clock, goneProbePeriodMs, options.signal);
  }
  return true;
}

/** Sends a signal to exactly this process; false when it is gone already. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (isGoneError(error)) return false;
    throw error;
  }
}

/**
 * Every living process that `isAsked` accepts by its owners, and `isWanted` by its facts. No process is
 * awaited before another, and none for longer than it may take to answer.
 */
export async function findProcesses(
  isWanted: (facts: ProcessFacts) => boolean,
  isAsked: (seen: SeenProcess) => boolean = () => true,
  reader?: Pick<ArgumentReader, "read">,
): Promise<readonly ProcessFacts[]> {
  const asked = await listProcesses(isAsked);
  const found = await Promise.all(asked.map(({ pid }) => readProcess(pid, reader)));
  return found.flatMap((facts) => (facts !== undefined && isWanted(facts) ? [facts] : []));
}

/** The id of this boot of the computer: start times are comparable only within one boot. */
export async function readBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}
