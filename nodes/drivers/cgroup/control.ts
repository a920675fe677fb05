/**
 * What is done to one cgroup by its files: looked at, frozen, thawed, killed. All of it is answered by the
 * kernel at once. The guard's process uses this file, so it must import nothing large, and wait for nothing.
 * It must never call a cgroup frozen or empty that the kernel does not.
 */
import { closeSync, constants, openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { cgroupLimits } from "./limits.ts";

/**
 * `frozen`: the kernel shows every thread of it stopped outside of system calls. `empty`: no thread is left;
 * so is a cgroup that is not there.
 */
export type GroupCondition = "running" | "frozen" | "empty";

/** Of a cgroup of version 2. What cannot be read counts as running. */
export function conditionOfGroup(directory: string): GroupCondition {
  let events: string | undefined;
  try {
    events = textOf(join(directory, "cgroup.events"));
  } catch {
    return "running";
  }
  if (events === undefined || /^populated 0$/m.test(events)) return "empty";
  return /^populated 1$/m.test(events) && /^frozen 1$/m.test(events) ? "frozen" : "running";
}

/** The cgroup's inode number, unique among cgroups of one boot; undefined: there is no such cgroup. */
export function idOfGroup(directory: string): string | undefined {
  try {
    return String(statSync(directory, { bigint: true }).ino);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Of a cgroup of version 2. @throws the file system's error, also for a cgroup that is not there */
export function freezeGroup(directory: string, frozen: boolean): void {
  writeFileSync(join(directory, "cgroup.freeze"), frozen ? "1" : "0");
}

/** Sends SIGKILL to every process in it, also those that begin meanwhile. Frozen ones die as well. */
export function killGroup(directory: string): void {
  try {
    // For writing alone: nobody but root may read it. Never made: a cgroup lets no files be made.
    const file = openSync(join(directory, "cgroup.kill"), constants.O_WRONLY);
    try {
      writeSync(file, "1");
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
    killEach(directory);
  }
}

/** For version 1, and kernels before 5.14. Whoever can be frozen begins no processes meanwhile. */
function killEach(directory: string): void {
  if (textOf(join(directory, "cgroup.freeze")) !== undefined) freezeGroup(directory, true);
  const killed = new Set<number>();
  for (let round = 0; round < cgroupLimits.killRoundsMax; round += 1) {
    const fresh = processesOf(directory).filter((pid) => !killed.has(pid));
    if (fresh.length === 0) return;
    for (const pid of fresh) {
      killed.add(pid);
      kill(pid);
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** The processes in a cgroup, without those of other pid namespaces; none for a cgroup that is gone. */
export function processesOf(directory: string): readonly number[] {
  const text = textOf(join(directory, "cgroup.procs")) ?? "";
  return text
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
}

/** A number that follows a word in a file of a cgroup; undefined: the file or the word is not there. */
export function countIn(directory: string, file: string, word: string): number | undefined {
  const found = new RegExp(`^${word} ([0-9]+)$`, "m").exec(textOf(join(directory, file)) ?? "");
  return found === null ? undefined : Number(found[1]);
}

/** The content of a file of a cgroup; undefined: the file or the cgroup is not there. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** ENODEV: it was removed while the file was open. */
export const isAbsent = (error: unknown): boolean => ["ENOENT", "ENODEV"].includes(codeOf(error));

export const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";
