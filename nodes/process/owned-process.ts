/**
 * Proof that a process was started by us. A pid alone proves nothing, because the kernel gives it out again.
 * So the pid is recorded together with the boot, the process's start time, its program and one of its
 * arguments, and all of them must still hold before a signal is sent. This file must never signal a process
 * that it cannot prove to be ours.
 */
import { readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDiskTrouble } from "./log-file.ts";

export interface ProcessProof {
  readonly pid: number;
  readonly bootId: string;
  /** Field 22 of /proc/PID/stat: clock ticks since boot. Source: proc(5). */
  readonly startTicks: string;
  /** Name of the program, as /proc/PID/exe has it. */
  readonly program: string;
  /**
   * One of the process's arguments that no other process of this computer has: its own directory or
   * configuration file.
   */
  readonly argument: string;
}

/**
 * Period of looking at /proc for the end of a process: the end of a process that is not our child sends no
 * event.
 */
const lookEveryMs = 20;

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

/** Start time of the process in clock ticks; undefined when there is no such process, or only its zombie. */
function startTicksOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field is the command in parentheses and may hold spaces, so counting starts behind it, at
  // field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ""));
  } catch {
    return "";
  }
}

const bootId = (): string => readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "";

/** The proof of a running process; undefined when it is gone already. */
export function proofOf(pid: number, argument: string): ProcessProof | undefined {
  const startTicks = startTicksOf(pid);
  if (startTicks === undefined) return undefined;
  return { pid, bootId: bootId(), startTicks, program: programOf(pid), argument };
}

/** Whether exactly the process of the proof is alive. */
export function isAlive(proof: ProcessProof): boolean {
  if (proof.bootId !== bootId() || startTicksOf(proof.pid) !== proof.startTicks) return false;
  if (programOf(proof.pid) !== proof.program) return false;
  const written = readText(`/proc/${proof.pid}/cmdline`) ?? "";
  return written.split("\0").includes(proof.argument);
}

/**
 * Records the process. Not synced: after a power loss the process is gone as well. On a full disk it runs
 * without a record, which only a killed `up` would need: else a server that the full disk has ended could not
 * come back.
 */
export function writeProof(file: string, proof: ProcessProof): void {
  try {
    writeFileSync(`${file}.new`, JSON.stringify(proof), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    if (!isDiskTrouble(error)) throw error;
    rmSync(`${file}.new`, { force: true });
  }
}

export function removeProof(file: string): void {
  rmSync(file, { force: true });
}

/** The living process that a former run recorded, or undefined. An unreadable file proves nothing. */
export function findProved(file: string): ProcessProof | undefined {
  const text = readText(file);
  if (text === undefined) return undefined;
  try {
    const proof: unknown = JSON.parse(text);
    return isProof(proof) && isAlive(proof) ? proof : undefined;
  } catch {
    return undefined;
  }
}

function isProof(content: unknown): content is ProcessProof {
  const { pid, bootId, startTicks, program, argument } = Object(content) as Readonly<Record<string, unknown>>;
  const texts = [bootId, startTicks, program, argument];
  return Number.isSafeInteger(pid) && Number(pid) > 0 && texts.every((text) => typeof text === "string");
}

export interface EndOptions {
  readonly signal: NodeJS.Signals;
  /** How long to wait before SIGKILL. */
  readonly patienceMs: number;
}

/** Ends the process of the proof; resolves when it is gone. Harmless when it is gone already. */
export async function endProcess(proof: ProcessProof, options: EndOptions): Promise<void> {
  const killAtMs = performance.now() + options.patienceMs;
  let killed = false;
  signalIfAlive(proof, options.signal);
  while (isAlive(proof)) {
    if (!killed && performance.now() >= killAtMs) {
      killed = true;
      signalIfAlive(proof, "SIGKILL");
    }
    await sleep(lookEveryMs);
  }
}

function signalIfAlive(proof: ProcessProof, signal: NodeJS.Signals): void {
  if (!isAlive(proof)) return;
  try {
    process.kill(proof.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
