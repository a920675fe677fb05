/**
 * The process of a guest: started apart from the agent, so that it outlives the agent, and found again with
 * proof. Proof consists of the executable, our name and uuid in its arguments, the guest's directory as its
 * working directory, the guest's user as its owner, and pid with start time. The pid file is QEMU's own lock
 * against a second process in the same directory. This file must never answer a process that it has not
 * proved to be a guest of this state directory.
 */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chownSync,
  closeSync,
  constants,
  fchownSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { guestOfMember } from "../cgroup/membership.ts";
import { guestFiles, type StateDirectories } from "../guest-directory.ts";
import type { GuestUser } from "../guest-user.ts";
import { parseStat } from "../process-stat.ts";
import { findProcesses, type ProcessFacts, type ProcessIdentity, readBootId } from "../process-table.ts";
import { toolEnvironment } from "../tool.ts";
import { isGuestOwned, mayBeGuest } from "./guest-owner.ts";
import { type GuestTag, tagOfArgv } from "./guest-tag.ts";
import type { Launch } from "./launcher.ts";
import { qemuLimits } from "./limits.ts";
import type { Pins } from "./pins.ts";

export interface GuestProcess extends ProcessIdentity {
  readonly tag: GuestTag;
  readonly directory: string;
  readonly startedAtMs: number;
  /** The host's CPUs and NUMA nodes that the guest is pinned to; absent: none. */
  readonly pins?: Pins | undefined;
}

export interface SpawnedGuest {
  readonly process: GuestProcess;
  /**
   * Resolves when the process has ended, with the signal that ended it; only the agent that started the
   * process is told this way.
   */
  readonly ended: Promise<NodeJS.Signals | null>;
}

export interface SpawnOptions {
  readonly tag: GuestTag;
  readonly directory: string;
  readonly user: GuestUser | undefined;
  readonly bootId: string;
  readonly nowMs: number;
  /** A descriptor that the process has to hold open until it ends. */
  readonly held?: number | undefined;
  /** Further descriptors that the process gets, in this order. Absent: none. */
  readonly given?: readonly number[] | undefined;
}

/**
 * Starts the process in a session of its own and records its identity. Nothing is awaited between the start
 * and the record.
 * @throws Error when the command cannot be started
 */
export function spawnGuest(launch: Launch, options: SpawnOptions): SpawnedGuest {
  const { directory, tag } = options;
  const log = openSync(join(directory, guestFiles.processLog), noFollow | constants.O_TRUNC, 0o600);
  try {
    prepareConsole(directory, options.user);
    const child = spawn(launch.command, launch.argv, {
      cwd: directory,
      env: toolEnvironment,
      detached: true,
      stdio: ["ignore", log, log, ...descriptorsOf(options)],
    });
    const ended = endOf(child);
    const identity = identityOf(child);
    child.unref();
    const started = { ...identity, tag, directory, startedAtMs: options.nowMs };
    record(started, options.bootId);
    return { process: started, ended };
  } finally {
    closeSync(log);
  }
}

/** The first descriptor after those that every process has. */
const heldDescriptor = 3;
/** Of the first one that is given. */
export const givenDescriptorFirst = heldDescriptor + 1;

/** The place of the one that is held stays free where none is. */
function descriptorsOf({ held, given = [] }: SpawnOptions): readonly ("ignore" | number)[] {
  if (given.length > 0) return [held ?? "ignore", ...given];
  return held === undefined ? [] : [held];
}

const noFollow = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;

/**
 * Makes the console's log as the agent and gives it to the guest's user: only the agent can put another file
 * in its place.
 */
function prepareConsole(directory: string, user: GuestUser | undefined): void {
  const path = join(directory, guestFiles.console);
  // Its positions begin anew as well: else the guest's process would meet the limit of its files for ever.
  const length = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (length > qemuLimits.consoleAnewBytes) unlinkSync(path);
  const console = openSync(path, noFollow, 0o600);
  if (user !== undefined) fchownSync(console, user.uid, user.gid);
  closeSync(console);
  if (user !== undefined) chownSync(join(directory, guestFiles.runtime), user.uid, user.gid);
}

function endOf(child: ChildProcess): SpawnedGuest["ended"] {
  return new Promise((resolve) => {
    child.once("exit", (_code, signal) => resolve(signal));
    // Without a pid there is no "exit"; identityOf throws in that case.
    child.once("error", () => resolve(null));
  });
}

function identityOf(child: ChildProcess): ProcessIdentity {
  const { pid } = child;
  // The process is not reaped before this function returns: even one that died at once still has its entry.
  const facts = pid === undefined ? undefined : parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"));
  if (pid === undefined || facts === undefined) throw new Error("The process could not be started.");
  return { pid, startTicks: facts.startTicks };
}

/**
 * Records the identity of a guest's process. Not synced: the record is worthless after a restart of the
 * computer.
 */
export function record(guest: GuestProcess, bootId: string): void {
  const { pid, startTicks, tag, startedAtMs } = guest;
  const content = JSON.stringify({ ...tag, pid, startTicks, bootId, startedAtMs });
  writeFileSync(join(guest.directory, guestFiles.process), content, { mode: 0o600 });
}

/** The record of exactly this process; undefined when the record is of another process, or there is none. */
export function recordedStart(directory: string, identity: ProcessIdentity, bootId: string) {
  const startedAtMs = recordOf(directory, identity, bootId)?.get("startedAtMs");
  return typeof startedAtMs === "number" ? { startedAtMs } : undefined;
}

function recordOf(
  directory: string,
  identity: ProcessIdentity,
  bootId: string,
): ReadonlyMap<string, unknown> | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(join(directory, guestFiles.process), "utf8"));
    if (typeof content !== "object" || content === null) return undefined;
    const recorded = new Map<string, unknown>(Object.entries(content));
    const { pid, startTicks } = identity;
    const isSame = Object.entries({ pid, startTicks, bootId }).every(
      ([name, value]) => recorded.get(name) === value,
    );
    return isSame ? recorded : undefined;
  } catch {
    // Missing or torn: the agent died between the start and the record. The process table then has the proof.
    return undefined;
  }
}

export interface FoundProcess extends ProcessFacts {
  readonly tag: GuestTag;
  /** False: the directory was removed while the process runs, or the process never had one here. */
  readonly hasDirectory: boolean;
}

/**
 * Every living process that is a guest of this state directory, found by asking the kernel only. Everything
 * but its owner can be pretended by any user of the computer. A guest whose arguments do not tell what it is
 * (it does not answer, or was broken out of) is known by the record of its start, or by its cgroup.
 */
export async function findGuests(directories: StateDirectories): Promise<readonly FoundProcess[]> {
  const found = await findProcesses(
    ({ cwd }) => dirname(cwd) === directories.guests,
    (seen) => mayBeGuest(seen),
  );
  const bootId = await readBootId();
  return found.flatMap((facts) => {
    const hasDirectory = !facts.cwd.endsWith(removed);
    const instanceId = basename(hasDirectory ? facts.cwd : facts.cwd.slice(0, -removed.length));
    const tag =
      tagOfArgv(facts.argv) ??
      recordedTag(join(directories.guests, instanceId), facts, bootId) ??
      guestOfMember(facts.pid, directories.root);
    if (tag?.instanceId !== instanceId) return [];
    if (!isGuestOwned(tag.instanceId, { program: programOf(facts), uids: facts.uids })) return [];
    return [{ ...facts, tag, hasDirectory }];
  });
}

/** Follows the name of a directory that was removed while a process works in it. */
const removed = " (deleted)";

/** The tag in the record of exactly this process. */
function recordedTag(directory: string, identity: ProcessIdentity, bootId: string): GuestTag | undefined {
  const recorded = recordOf(directory, identity, bootId);
  const [instanceId, ownerEpoch] = [recorded?.get("instanceId"), recorded?.get("ownerEpoch")];
  if (typeof instanceId !== "string" || typeof ownerEpoch !== "number") return undefined;
  return { instanceId, ownerEpoch, ...(recorded?.get("fence") === true ? { fence: true } : {}) };
}

/**
 * Processes of one instance in the order in which they may be adopted: the one that was recorded at its start
 * first, then by age.
 */
export function inOrderOfProof(
  directory: string,
  found: readonly FoundProcess[],
  bootId: string,
): readonly FoundProcess[] {
  const rank = (one: FoundProcess) => (recordedStart(directory, one, bootId) === undefined ? 1 : 0);
  return [...found].sort((one, other) => rank(one) - rank(other) || one.startTicks - other.startTicks);
}

/**
 * True when every living guest of this state directory that another host may take over has the file open, as
 * given by spawnGuest; false in doubt.
 */
export async function everyGuestHolds(directories: StateDirectories, path: string): Promise<boolean> {
  const fenced = (await findGuests(directories)).filter(({ tag }) => tag.fence === true);
  const { ino, dev } = await stat(path);
  const opened = fenced.map(({ pid }) => stat(`/proc/${pid}/fd/${heldDescriptor}`).catch(() => undefined));
  return (await Promise.all(opened)).every((file) => file?.ino === ino && file.dev === dev);
}

/** "(deleted)" follows the name after the package was upgraded. */
const programOf = (facts: ProcessFacts): string => basename(facts.executable).replace(/ \(deleted\)$/, "");

/** Removes the stale sockets, pid file and record of a process that is proved gone. */
export async function clearRemains(directory: string): Promise<void> {
  const names = [
    guestFiles.pid,
    guestFiles.qmp,
    guestFiles.qmpDebug,
    guestFiles.consoleSocket,
    guestFiles.agent,
    guestFiles.process,
  ];
  await Promise.all(names.map((name) => rm(join(directory, name), { force: true })));
}

/** The end of the process's standard error, for the log and for failures. */
export async function lastWords(directory: string): Promise<string> {
  const kept = 2_000;
  try {
    const file = await open(
      join(directory, guestFiles.processLog),
      constants.O_RDONLY | constants.O_NOFOLLOW,
    );
    try {
      const { size } = await file.stat();
      const start = Math.max(0, size - kept);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(kept), 0, kept, start);
      return buffer.subarray(0, bytesRead).toString("utf8").trim();
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}
