/**
 * Who a container's shim is, and what its container does: written by the shim alone, in one file, each time
 * whole. A record proves nothing by itself: the process that it names must live, have begun when it says, and
 * work for this very directory.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guestFiles, isMissing } from "./guest-files.ts";

/**
 * `ended`: its first process has ended by itself. `panicked`: the kernel or a fault ended it. `failed`: it
 * has never run.
 */
export type ContainerState = "starting" | "running" | "ended" | "panicked" | "failed";

export interface ShimRecord {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
  /** In clock ticks since the computer's boot: with the boot's id, a process has its number only once. */
  readonly startTicks: number;
  readonly bootId: string;
  /** Wall clock. */
  readonly startedAtMs: number;
  readonly state: ContainerState;
  /** Why it has failed or ended, for people. */
  readonly message: string;
  /** How many times it was started by this shim, and how many presses of the power button it was told of. */
  readonly boots: number;
  readonly presses: number;
}

export function writeRecord(directory: string, record: ShimRecord): void {
  const path = join(directory, guestFiles.shim);
  writeFileSync(`${path}.part`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

/** The record, if its shim lives; undefined: it is gone, or there was none. */
export function livingRecord(directory: string): ShimRecord | undefined {
  const record = readRecord(directory);
  return record !== undefined && isShim(record, directory) ? record : undefined;
}

function readRecord(directory: string): ShimRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, guestFiles.shim), "utf8"));
  } catch (error) {
    // A disk that was full may have left half a record: its shim has ended then.
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether the process of the record lives and is a shim of this directory. */
export function isShim(
  { pid, startTicks, bootId }: Pick<ShimRecord, "pid" | "startTicks" | "bootId">,
  directory: string,
): boolean {
  if (bootId !== currentBootId() || startTicks !== startTicksOf(pid)) return false;
  const argv = readProcess(pid, "cmdline")?.split("\0");
  return argv?.includes(directory) === true;
}

export const currentBootId = (): string => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

/** Undefined: no such process, or one that has ended and is only not buried. */
export function startTicksOf(pid: number): number | undefined {
  const fields = statFields(pid);
  return fields === undefined || "ZX".includes(fields[0] ?? "X") ? undefined : Number(fields[19]);
}

export function parentOf(pid: number): number | undefined {
  const parent = statFields(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

/** From the third field on: the second one, the name, may have spaces and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  const text = readProcess(pid, "stat");
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readProcess(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (isMissing(error) || code === "ESRCH") return undefined;
    throw error;
  }
}
