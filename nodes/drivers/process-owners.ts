/**
 * The processes of the computer, and whose they are: what a process can neither pretend nor withhold.
 * /proc/PID/status and /proc/PID/stat are answered whatever the process does; its arguments are in its own
 * memory, and who reads them waits as long as the process likes (process-arguments.ts). So owners are looked
 * at first, and this file must never read anything of a process's memory. The guard's process uses it as
 * well, so it must import nothing large.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { parseStat, parseUids, type StatFacts } from "./process-stat.ts";

export interface SeenProcess {
  readonly pid: number;
  /** The name that the kernel shows: 15 bytes, which the process may choose. */
  readonly name: string;
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[];
}

/** Processes that are looked at before other work of this process goes on: about a millisecond. */
const processesAtOnce = 64;

/**
 * The processes that `isWanted` accepts, among those whose effective user `isOwner` accepts. It takes some
 * 10 µs for each process of the computer, and 20 µs more for those.
 */
export async function listProcesses(
  isWanted: (seen: SeenProcess) => boolean,
  isOwner: (uid: number) => boolean = () => true,
): Promise<readonly SeenProcess[]> {
  const found: SeenProcess[] = [];
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  for (const [index, pid] of pids.entries()) {
    if (index % processesAtOnce === processesAtOnce - 1) await new Promise(setImmediate);
    if (!isOwner(ownerOf(pid))) continue;
    const status = readProc(`${pid}/status`);
    const name = /^Name:\t(.*)$/m.exec(status)?.[1] ?? "";
    const seen = { pid: Number(pid), name, uids: parseUids(status) };
    if (isWanted(seen)) found.push(seen);
  }
  return found;
}

/**
 * The effective user of a process; NaN when it has ended. Of the directory itself it is that of every
 * process; only what lies in it is root's when the process asked not to be dumped. Source: proc(5).
 */
function ownerOf(pid: string): number {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    // The process has ended since it was listed.
    return Number.NaN;
  }
}

/** The facts of /proc/PID/stat; undefined: there is no such process, or only its zombie. */
export function livingStat(pid: number): StatFacts | undefined {
  const facts = parseStat(readProc(`${pid}/stat`));
  return facts === undefined || facts.dead ? undefined : facts;
}

/** What is read at once: the whole of `stat`, and of `status` the beginning, with name and users. */
const buffer = Buffer.alloc(2_048);

/** The beginning of a file of /proc; empty when the process has ended. */
function readProc(path: string): string {
  let file: number | undefined;
  try {
    file = openSync(`/proc/${path}`, "r");
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, buffer.length, 0));
  } catch {
    // The process has ended since it was listed.
    return "";
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
