/**
 * `npm start`: installs what is missing, starts a whole cluster on this computer, shows a guest boot, and
 * stays until Ctrl-C or SIGTERM; then everything ends in order. After a second signal, guests are not waited
 * for. This file defines the order of the steps and the texts for people.
 */

import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { offerLine } from "../config/capacity.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { checkSurroundings } from "../config/surroundings.ts";
import { exitCodes } from "../package/exit-codes.ts";
import { codeOf, failureOf } from "../package/failure.ts";
import { loadCluster } from "../plugins/load.ts";
import { buildGuest, findGuest, type GuestFiles } from "../setup/guest/build.ts";
import type { Stop } from "../setup/run-command.mjs";
import { installPackages } from "../setup/system-packages.mjs";
import { type Cluster, startCluster } from "./cluster.ts";
import { requireRoom } from "./disk-watch.ts";
import { upLimits } from "./limits.ts";
import { takeLock } from "./lock.ts";
import { watchNodes } from "./node-watch.ts";
import { chooseNetworks, endNetworks, type WayOutside } from "./own-networks.ts";
import { Presses } from "./presses.ts";
import { reserveOf } from "./reserve.ts";
import { openScreen, type Screen } from "./screen.ts";
import { ServerStartError } from "./server-process.ts";
import { welcome } from "./welcome.ts";
import { whatNow } from "./what-now.ts";

export interface UpOptions {
  /** Path of cluster.yaml; absent: the default one. */
  readonly config?: string;
}

/** Runs the cluster; resolves with the exit code when everything has ended. */
export async function up(options: UpOptions): Promise<number> {
  const screen = openScreen(process.stdout);
  // The terminal may be closed before us: the texts are then lost, and everything still ends in order.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const end = listenForEnd(screen);
  try {
    // A plug-in that cannot be loaded would keep every process down: it is said before the first begins.
    const { config } = await loadCluster(options.config);
    checkSurroundings(config);
    await installPackages(screen.say, end);
    const unlock = takeLock(statePaths(config).lock, "up");
    try {
      return await runCluster(config, screen, end);
    } finally {
      unlock();
    }
  } catch (error) {
    if (end.first.aborted) return end.exit();
    const { text, exit } = failureOf(error);
    process.stderr.write(`${text}\n`);
    return exit;
  }
}

interface End extends Stop {
  /** The exit code of a cluster that was told to end: Ctrl-C has its own, a supervisor's signal is done. */
  exit(): number;
}

function listenForEnd(screen: Screen): End {
  const first = new AbortController();
  const second = new AbortController();
  const presses = new Presses(process.env.npm_lifecycle_event !== undefined);
  let exit: number = exitCodes.ok.exit;
  const hear = (signal: NodeJS.Signals) => {
    const press = presses.hear(performance.now());
    // Of two signals at once either may be heard first.
    if (signal === "SIGINT") exit = exitCodes.interrupted.exit;
    if (press === "first") {
      screen.say(`${signal}: everything goes down (once more: at once)`);
      first.abort();
    } else if (press === "again" && !second.signal.aborted) {
      screen.say(`${signal} again: guests are halted, everything ends at once`);
      second.abort();
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, hear);
  return { first: first.signal, second: second.signal, exit: () => exit };
}

async function runCluster(config: ClusterConfig, screen: Screen, end: End): Promise<number> {
  const shown = relative(process.cwd(), config.stateDirectory);
  screen.say(`cell ${config.cell}, state in ${shown.startsWith("..") ? config.stateDirectory : shown}`);
  const offer = offerLine(config.nodes);
  if (offer !== undefined) screen.say(offer);
  const { stateDirectory } = config;
  const first = config.postgres.url === undefined && !existsSync(join(statePaths(config).postgres, "data"));
  await requireRoom(stateDirectory, { first, reserve: reserveOf(stateDirectory) });
  const cut = new AbortController();
  const guest = prepareGuest(config, screen, {
    first: AbortSignal.any([end.first, cut.signal]),
    second: AbortSignal.any([end.second, cut.signal]),
  });
  // The caller that awaits the guest hears of a failure; until then nobody does.
  guest.catch(() => undefined);
  const networks = chooseNetworks(config, screen.say);
  try {
    const cluster = await startCluster({ config, screen, guest, networks, stop: end });
    const { outside } = await networks;
    const code = await beUp({ config, screen, end, cluster, guest: await guest, outside });
    await cluster.stop();
    await endNetworks(config, screen.say);
    screen.say("everything is down");
    return code;
  } catch (error) {
    // A build that is cut off ends its programs, and removes what it has made.
    cut.abort();
    await guest.catch(() => undefined);
    await networks;
    await endNetworks(config, screen.say);
    if (!end.first.aborted) throw error;
    screen.say("everything is down");
    return end.exit();
  }
}

interface BeingUp {
  readonly config: ClusterConfig;
  readonly screen: Screen;
  readonly end: End;
  readonly cluster: Cluster;
  readonly guest: GuestFiles | undefined;
  readonly outside: WayOutside | undefined;
}

/** The time from when all parts run to the first signal; answers the exit code. */
async function beUp({ config, screen, end, cluster, guest, outside }: BeingUp): Promise<number> {
  try {
    void watchNodes({ config, say: screen.say, signal: end.first });
    // What the welcome still asks for does not keep a person waiting who has pressed Ctrl-C.
    const greeting = welcome({ config, screen, guest, outside, signal: end.first });
    const demo = (await Promise.race([greeting, aborted(end.first)])) ?? undefined;
    const missing = [...cluster.broken().keys()].join(", ");
    if (missing !== "" && !end.first.aborted) screen.say(`the cluster runs without ${missing}: see above`);
    if (!end.first.aborted) screen.show(whatNow(config, cluster.pids(), demo));
    await aborted(end.first);
    return end.exit();
  } catch (error) {
    if (end.first.aborted) return end.exit();
    const { text, exit } = failureOf(error);
    screen.say(`something failed, everything goes down: ${text}`);
    return exit;
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });

/**
 * The tiny guest, built when it is missing or its sources have changed. Only hypervisors that try the
 * computer with a guest need it.
 */
async function prepareGuest(
  config: ClusterConfig,
  screen: Screen,
  stop: Stop,
): Promise<GuestFiles | undefined> {
  if (config.nodes.every(({ probes }) => !probes)) return undefined;
  const directory = statePaths(config).guest;
  const found = findGuest(directory);
  if (found !== undefined) return found;
  screen.say("tiny guest: building …");
  const startedAtMs = performance.now();
  try {
    const built = await buildGuest(directory, (text) => screen.say(`tiny guest: ${text}`), stop);
    screen.say(`tiny guest: done, ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`);
    return built;
  } catch (error) {
    if (codeOf(error) !== "RESOURCE_EXHAUSTED") throw error;
    const needs = `Building the tiny guest needs ${upLimits.guestBuildMib} MiB for a while.`;
    throw new ServerStartError(`No space left on device: ${dirname(directory)}. ${needs}`);
  }
}
