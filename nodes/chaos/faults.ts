/**
 * Injects one fault into a real cluster, and says how to heal it. The process to signal is read from the
 * kernel's table at the moment of the signal. A fault that cannot be injected is refused with its reason,
 * before anything is touched.
 */

import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { isAlive, type ProcessFacts, readProcess, signalProcess } from "../drivers/process-table.ts";
import { startCommand } from "../package/typed-command.ts";
import { linkName, type Rule, rulesOf } from "../proxy/link-rules.ts";
import { floodCluster } from "./flood.ts";
import { fillDisk } from "./full-disk.ts";
import { hangDisk } from "./hanging-disk.ts";
import { FaultRefused, type Injected } from "./injected.ts";
import type { Links } from "./links.ts";
import { guestsOf, lookFor, lookForGuests, processesOf } from "./parties.ts";
import type { Step } from "./plan.ts";
import type { Fault } from "./scenario.ts";

export interface World {
  readonly config: ClusterConfig;
  readonly links: Links | undefined;
  /** True: rules of links outlive this process, for faults injected by hand. */
  readonly stays: boolean;
}

type Wanted = Pick<Step, "fault" | "target" | "choice" | "durationMs">;

const nothingToHeal = async (): Promise<void> => undefined;

/** Injects one step. @throws FaultRefused */
export async function inject(world: World, step: Wanted): Promise<Injected> {
  switch (step.fault.kind) {
    case "kill":
      return signalled(world, step, "SIGKILL");
    case "restart":
      return signalled(world, step, step.target === "postgres" ? "SIGINT" : "SIGTERM");
    case "pause":
      return paused(world, step);
    case "wipe":
      return wiped(world);
    case "fill":
      return fillDisk(world.config, step.target);
    case "hang":
      return hangDisk(world.config, step.target);
    case "flood":
      return floodCluster(world.config, step);
    case "cut":
    case "blackHole":
    case "delay":
      return ruled(world, step);
  }
}

async function victimsOf({ config }: World, { target, choice }: Wanted): Promise<readonly ProcessFacts[]> {
  if (target !== "guest") {
    const { found, unread } = await lookFor(config, target);
    if (found.length > 0) return found;
    throw new FaultRefused(whyNone(target, unread));
  }
  const { found: guests, unread } = await lookForGuests(config);
  const guest = guests[Math.floor(choice * guests.length)];
  if (guest !== undefined) return [guest.process];
  throw new FaultRefused(whyNone(target, unread));
}

/** `unread`: processes that may be it. Pure. */
export function whyNone(target: string, unread: readonly ProcessFacts[]): string {
  const name = target === "guest" ? "a guest" : target;
  if (unread.length > 0)
    return `It is not known whether ${name} runs: processes did not say in time what they are.`;
  return target === "guest" ? "No guest runs at the moment." : `${target} does not run at the moment.`;
}

async function signalled(world: World, step: Wanted, signal: NodeJS.Signals): Promise<Injected> {
  const [first] = await victimsOf(world, step);
  if (first === undefined || !(await signalProcess(first, signal))) {
    throw new FaultRefused(`${step.target} has just ended by itself.`);
  }
  return { note: `pid ${first.pid}${guestNote(first)}`, heal: nothingToHeal };
}

const guestNote = ({ argv }: ProcessFacts): string => {
  const instanceId = argv.includes("-uuid") ? argv[argv.indexOf("-uuid") + 1] : undefined;
  return instanceId === undefined ? "" : `, instance ${instanceId}`;
};

async function paused(world: World, step: Wanted): Promise<Injected> {
  const victims = await victimsOf(world, step);
  for (const victim of victims) await signalProcess(victim, "SIGSTOP");
  const heal = async (): Promise<void> => {
    for (const victim of victims) await signalProcess(victim, "SIGCONT");
  };
  const [first] = victims;
  return { note: first === undefined ? "" : `pid ${first.pid}${guestNote(first)}`, heal };
}

/** How long the kernel may take to end a killed server. */
const killedWithinMs = 10_000;

/**
 * Wipes a server's directory: the server is stopped while its directory is moved away, and killed after that.
 * So it writes nothing into a new directory, and its next start finds nothing, however quick.
 */
async function wiped({ config }: World): Promise<Injected> {
  const [server] = await processesOf(config, "nats");
  if (server === undefined) throw new FaultRefused("Our own NATS does not run at the moment.");
  const store = join(statePaths(config).nats, "store");
  const wiped = `${store}.wiped-${server.pid}-${server.startTicks}`;
  await signalProcess(server, "SIGSTOP");
  try {
    if (existsSync(store)) await rename(store, wiped);
  } finally {
    await signalProcess(server, "SIGKILL");
  }
  const deadlineMs = performance.now() + killedWithinMs;
  while ((await isAlive(server)) && performance.now() < deadlineMs) await sleep(10);
  await rm(wiped, { recursive: true, force: true });
  return { note: `pid ${server.pid}, all of JetStream's files`, heal: nothingToHeal };
}

async function ruled({ config, links, stays }: World, { fault, target }: Wanted): Promise<Injected> {
  if (links === undefined) {
    throw new FaultRefused(
      `No proxy stands between the parties of this cluster: only ${startCommand()} puts one there, when chaos.allowed is true.`,
    );
  }
  const server = fault.server ?? "nats";
  const name = linkName(target, server);
  const known = (await links.show()).map((link) => link.name);
  if (!known.includes(name)) {
    const there = known.length === 0 ? "There are none." : `There are: ${known.join(", ")}.`;
    throw new FaultRefused(`There is no link ${name} in ${config.file}. ${there}`);
  }
  const direction = fault.direction ?? "both";
  await links.set(name, rulesOf(ruleOf(fault), direction), stays);
  const heal = () => links.set(name, rulesOf({ kind: "pass" }, "both"), stays);
  return { note: `${name}, ${direction === "both" ? "both directions" : direction}`, heal };
}

function ruleOf({ kind, delayMs = 0, jitterMs = 0 }: Fault): Rule {
  if (kind === "delay") return { kind, delayMs, jitterMs };
  return { kind: kind === "cut" ? "cut" : "blackHole" };
}

/** Continues every stopped process, also those that an earlier run, or a person by hand, has stopped. */
export async function resumeAll(config: ClusterConfig, names: readonly string[]): Promise<number> {
  const ours = await Promise.all(names.map((name) => processesOf(config, name)));
  const guests = (await guestsOf(config)).map(({ process }) => process);
  let resumed = 0;
  for (const { pid, startTicks } of [...ours.flat(), ...guests]) {
    const now = await readProcess(pid);
    if (now?.state !== "T" || now.startTicks !== startTicks) continue;
    await signalProcess(now, "SIGCONT");
    resumed += 1;
  }
  return resumed;
}
