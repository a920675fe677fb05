/**
 * The process that holds a fabric: it sleeps in the fabric's namespace, and has the plugs' one open as its
 * descriptor 3. It is in a session of its own, and outlives the agent. Proof is the directory that it works
 * in, which only root may enter, with our mark in its environment; this file must never signal a process
 * that it has not proved.
 */
import { spawn } from "node:child_process";
import { type FileHandle, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../protocol/wire/transport.ts";
import { driverLimits } from "../limits.ts";
import { nameOf, openNamespace } from "../network-namespace.ts";
import { listProcesses, livingStat } from "../process-owners.ts";
import { isAlive, type ProcessIdentity } from "../process-table.ts";
import { toolEnvironment } from "../tool.ts";
import { delay } from "../waiting.ts";

/** The first descriptor after those that every process has. */
export const heldDescriptor = 3;
/** Of the fabric of a node, in the node's state directory. */
export const fabricDirectory = (stateDirectory: string): string => join(stateDirectory, "network", "fabric");

/** In the fabric's own: one for each space, in which whoever holds the space works. */
export const spacesDirectory = "spaces";
const probePeriodMs = 2;

/** Both namespaces, open in this process. */
export interface Namespaces {
  /** Bridges, and taps that a hypervisor has opened. */
  readonly fabric: FileHandle;
  /** Where hypervisors open taps: nothing of it leads anywhere. */
  readonly plugs: FileHandle;
}

/** Our mark: a shell of root that happens to be in the directory is neither believed nor ended. */
const residentMark = "NOVACT_RESIDENT";

/** What a process that lives in the fabric of the directory is started with. */
export const residentEnvironment = (directory: string): Readonly<Record<string, string>> => ({
  ...toolEnvironment,
  [residentMark]: directory,
});

async function isMarked(pid: number, directory: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  return environment.split("\0").includes(`${residentMark}=${directory}`);
}

/** Those that live in the fabric of the directory, the oldest first: its holder, and who answers guests. */
export async function findResidents(directory: string): Promise<readonly ProcessIdentity[]> {
  const all = await workingBelow(directory);
  return all.filter(({ at }) => at === directory).map(({ process }) => process);
}

/** Those that hold the spaces beside it (routing/), by the name of each, the oldest first. */
export async function findKeepers(directory: string) {
  const below = `${directory}/${spacesDirectory}/`;
  const all = await workingBelow(directory);
  return all.flatMap(({ at, process }) =>
    at.startsWith(below) ? [{ process, space: at.slice(below.length) }] : [],
  );
}

async function workingBelow(directory: string) {
  const all = await listProcesses(
    ({ uids }) => uids.every((uid) => uid === 0),
    (uid) => uid === 0,
  );
  const found: { readonly at: string; readonly process: ProcessIdentity }[] = [];
  for (const { pid } of all) {
    const at = await readlink(`/proc/${pid}/cwd`).catch(() => "");
    if (at !== directory && !at.startsWith(`${directory}/`)) continue;
    if (!(await isMarked(pid, at))) continue;
    const startTicks = livingStat(pid)?.startTicks;
    if (startTicks !== undefined) found.push({ at, process: { pid, startTicks } });
  }
  return found.sort((one, other) => one.process.startTicks - other.process.startTicks);
}

/** The namespaces that a resident has; undefined: it has ended, or has none of its own. */
export async function namespacesOf(
  { pid }: ProcessIdentity,
  own: string,
): Promise<Partial<Namespaces> | undefined> {
  const fabric = await openNamespace(`/proc/${pid}/ns/net`, own);
  const plugs = await openNamespace(plugsPath(pid), own);
  if (fabric === undefined && plugs === undefined) return undefined;
  return { ...(fabric === undefined ? {} : { fabric }), ...(plugs === undefined ? {} : { plugs }) };
}

/** What a keeper of a space has of fabric and plugs, so that these outlive everybody else. */
export async function namespacesOfKeeper(
  { pid }: ProcessIdentity,
  own: string,
): Promise<Partial<Namespaces>> {
  const [fabric, plugs] = [
    await openNamespace(`/proc/${pid}/fd/${heldDescriptor}`, own),
    await openNamespace(`/proc/${pid}/fd/${heldDescriptor + 1}`, own),
  ];
  return { ...(fabric === undefined ? {} : { fabric }), ...(plugs === undefined ? {} : { plugs }) };
}

/** By it, hypervisors enter the plugs' namespace: it stays the same as long as the holder lives. */
export const plugsPath = (pid: number): string => `/proc/${pid}/fd/${heldDescriptor}`;

/** Whether the process holds exactly these namespaces. */
export async function holds({ pid }: ProcessIdentity, { fabric, plugs }: Namespaces): Promise<boolean> {
  const seen = [`/proc/${pid}/ns/net`, plugsPath(pid)].map((path) => readlink(path).catch(() => ""));
  const [one, other] = await Promise.all(seen);
  return one === (await nameOf(fabric)) && other === (await nameOf(plugs));
}

export interface HolderPlace {
  readonly directory: string;
  readonly clock: Clock;
}

/** Starts a holder, and waits until it is in the namespace. @throws Error */
export const startHolder = (namespaces: Namespaces, place: HolderPlace): Promise<ProcessIdentity> =>
  startSleeper(namespaces.fabric, [namespaces.plugs], {
    ...place,
    isThere: (one) => holds(one, namespaces),
  });

export interface SleeperPlace extends HolderPlace {
  /** Whether the process has all that it is to hold. */
  readonly isThere: (sleeper: ProcessIdentity) => Promise<boolean>;
}

/** Starts a process that sleeps in the namespace, with others open from descriptor 3 on. @throws Error */
export async function startSleeper(
  inside: FileHandle,
  others: readonly FileHandle[],
  { directory, clock, isThere }: SleeperPlace,
): Promise<ProcessIdentity> {
  const child = spawn("nsenter", [`--net=/proc/${process.pid}/fd/${inside.fd}`, "sleep", "infinity"], {
    cwd: directory,
    env: residentEnvironment(directory),
    detached: true,
    stdio: ["ignore", "ignore", "ignore", ...others.map(({ fd }) => fd)],
  });
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  child.once("exit", (code, signal) => {
    failure = new Error(`The process that holds the host's network has ended with ${code ?? signal}.`);
  });
  child.unref();
  const deadlineMs = clock.monotonicMs() + driverLimits.namespaceTimeoutMs;
  for (;;) {
    const { pid = Number.NaN } = child;
    const startTicks = livingStat(pid)?.startTicks;
    if (startTicks !== undefined && (await isThere({ pid, startTicks })) && (await sleeps(pid)))
      return { pid, startTicks };
    if (failure !== undefined) throw failure;
    if (clock.monotonicMs() >= deadlineMs) throw new Error("No process holds the host's network in time.");
    await delay(clock, probePeriodMs);
  }
}

/** Not nsenter any more, which could fail yet. */
const sleeps = async (pid: number): Promise<boolean> =>
  /\/(?:sleep|coreutils|busybox)$/.test(await readlink(`/proc/${pid}/exe`).catch(() => ""));

/** Ends all processes that live in the fabric, and the sleepers beside the fabric, also of its underlay. */
export async function endResidents(directory: string): Promise<void> {
  for (const { process: one } of await workingBelow(directory))
    if (await isAlive(one)) process.kill(one.pid, "SIGKILL");
}
