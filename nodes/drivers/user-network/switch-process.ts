/**
 * The process of a host's switch: started apart from the agent, so that it outlives the agent, found again
 * with proof, and ended. Proof is what it has written of itself, with the directory that it works in, which
 * only the agent's user can enter. This file must never signal a process that it has not proved.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, realpathSync } from "node:fs";
import { readdir, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock } from "../../../protocol/wire/transport.ts";
import {
  readSwitchApplied,
  readSwitchState,
  type SwitchApplied,
  switchFiles,
  switchFlags,
} from "../../switch/state.ts";
import { isMissing } from "../durable-file.ts";
import { openProcessLog } from "../process-log.ts";
import { listProcesses, livingStat } from "../process-owners.ts";
import { toolEnvironment } from "../tool.ts";
import { delay } from "../waiting.ts";
import { userNetworkLimits } from "./limits.ts";

export interface SwitchPlace {
  /** Of the switch, which all nodes of the computer share: a real path. */
  readonly home: string;
  /** Of this node, in it. */
  readonly directory: string;
  /** The file of the program. */
  readonly program: string;
  readonly clock: Clock;
}

/**
 * The nodes of a computer share a switch, so that guests of one network reach each other on all of them. Only
 * the agents' user may enter its directory.
 */
export function switchPlace(
  computerDirectory: string,
  hostId: string,
): Pick<SwitchPlace, "home" | "directory"> {
  const own = join(computerDirectory, "switch", hostId);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  const home = realpathSync(join(computerDirectory, "switch"));
  return { home, directory: join(home, hostId) };
}

const { endPatienceMs, killPatienceMs, endProbePeriodMs } = userNetworkLimits;
/** Its standard output and error: why it could not start, and how it has ended. */
const logName = "switch.log";
const flags = [...switchFlags, "--disable-warning=ExperimentalWarning"];

/** What the living switch says of itself; undefined: none lives, or it has not said anything yet. */
export async function findSwitch({ home, directory }: SwitchPlace): Promise<SwitchApplied | undefined> {
  const said = await readSwitchApplied(join(directory, switchFiles.applied));
  return said !== undefined && (await isSwitch(home, said)) ? said : undefined;
}

type Identity = Pick<SwitchApplied, "pid" | "startTicks">;

const lives = ({ pid, startTicks }: Identity): boolean => livingStat(pid)?.startTicks === startTicks;

/** The file may be of a time before the computer's restart, when its pid was another process's. */
async function isSwitch(home: string, { pid, startTicks }: Identity): Promise<boolean> {
  if (!lives({ pid, startTicks })) return false;
  return (await readlink(`/proc/${pid}/cwd`).catch(() => "")) === home;
}

/**
 * A living switch that could not say anything of itself: it has just begun, or the disk is full. It takes a
 * look at each of this user's processes.
 */
export async function findSilentSwitch({ home }: SwitchPlace): Promise<Identity | undefined> {
  const own = process.getuid?.();
  for (const { pid } of await listProcesses(
    ({ uids }) => uids.every((uid) => uid === own),
    (uid) => uid === own,
  )) {
    const { startTicks = Number.NaN } = livingStat(pid) ?? {};
    if (await isSwitch(home, { pid, startTicks })) return { pid, startTicks };
  }
  return undefined;
}

/** Starts a switch; when another one lives, this one ends at once. @throws Error when none can be started */
export function startSwitch({ home, program }: SwitchPlace): ChildProcess {
  const log = openProcessLog(join(home, logName));
  try {
    const child = spawn(process.execPath, [...flags, program, "--directory", home], {
      cwd: home,
      env: toolEnvironment,
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.unref();
    return child;
  } finally {
    if (log !== "ignore") closeSync(log);
  }
}

/** Tells the switch that there is a new state; it would see that by itself, a little later. */
export async function hintSwitch({ home }: SwitchPlace, identity: Identity): Promise<void> {
  if (await isSwitch(home, identity)) signal(identity, "SIGHUP");
}

/**
 * Whether another node of the computer has a plug in the switch. One whose state cannot be read may have any.
 */
export async function hasOthers({ home, directory }: SwitchPlace): Promise<boolean> {
  const own = basename(directory);
  const others = (await readdir(home, { withFileTypes: true })).filter(
    (one) => one.isDirectory() && one.name !== own,
  );
  const plugs = others.map(async ({ name }) => {
    try {
      return (await readSwitchState(join(home, name, switchFiles.state))).state.plugs.length;
    } catch (error) {
      return isMissing(error) ? 0 : 1;
    }
  });
  return (await Promise.all(plugs)).some((count) => count > 0);
}

/** Ends the living switch, if there is one. @throws Error when it does not end */
export async function endSwitch(place: SwitchPlace): Promise<void> {
  const living = (await findSwitch(place)) ?? (await findSilentSwitch(place));
  if (living === undefined) return;
  signal(living, "SIGTERM");
  if (await ends(place.clock, living, endPatienceMs)) return;
  signal(living, "SIGKILL");
  if (await ends(place.clock, living, killPatienceMs)) return;
  throw new Error(`The switch of this host, process ${living.pid}, could not be ended.`);
}

/** By the kernel alone: a process that is ending has no directory any more. */
async function ends(clock: Clock, ending: Identity, ms: number): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + ms;
  while (lives(ending)) {
    if (clock.monotonicMs() >= deadlineMs) return false;
    await delay(clock, endProbePeriodMs);
  }
  return true;
}

/** @throws Error when it may not be sent; a process that has ended meanwhile needs none */
function signal({ pid }: Identity, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
