/**
 * `npm start`: installs what is missing, starts a whole cluster on this computer, shows a guest boot, and
 * stays until Ctrl-C or SIGTERM; then everything ends in order. After a second signal, guests are not waited
 * for. This file defines the order of the steps and the texts for people.
 */

import { existsSync, mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import {
  type ClusterConfig,
  ConfigError,
  defaultConfigFile,
  loadConfig,
  statePaths,
} from "../config/config.ts";
import { typedCommand } from "../package/typed-command.ts";
import { buildGuest, findGuest, type GuestFiles } from "../setup/guest/build.ts";
import { installPackages } from "../setup/system-packages.mjs";
import { startCluster } from "./cluster.ts";
import { requireRoom } from "./disk-watch.ts";
import { upLimits } from "./limits.ts";
import { LockedError, takeLock } from "./lock.ts";
import { reserveOf } from "./reserve.ts";
import { openScreen, type Screen } from "./screen.ts";
import { ServerStartError } from "./server-process.ts";
import { welcome } from "./welcome.ts";

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
    const config = loadConfig(options.config);
    await installPackages(screen.say);
    const unlock = takeLock(statePaths(config).lock, "up");
    try {
      return await runCluster(config, screen, end);
    } finally {
      unlock();
    }
  } catch (error) {
    if (!isForPeople(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

/**
 * True for an error whose message says all that a person needs: our own errors, and those of programs that we
 * ran.
 */
function isForPeople(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const ours =
    error instanceof ConfigError || error instanceof LockedError || error instanceof ServerStartError;
  return ours || error.name === "Error";
}

interface End {
  /** Aborted by the first signal. */
  readonly first: AbortSignal;
  /** Aborted by the second one. */
  readonly second: AbortSignal;
}

function listenForEnd(screen: Screen): End {
  const first = new AbortController();
  const second = new AbortController();
  let heardAtMs = 0;
  const hear = (signal: NodeJS.Signals) => {
    if (first.signal.aborted) {
      // One Ctrl-C arrives twice: from the terminal, and from npm, which passes it on.
      if (performance.now() - heardAtMs < upLimits.upSecondSignalMsMin) return;
      screen.say(`${signal} again: guests are halted at once`);
      second.abort();
      return;
    }
    screen.say(`${signal}: everything goes down (once more: at once)`);
    heardAtMs = performance.now();
    first.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, hear);
  return { first: first.signal, second: second.signal };
}

async function runCluster(config: ClusterConfig, screen: Screen, end: End): Promise<number> {
  const shown = relative(process.cwd(), config.stateDirectory);
  screen.say(`cell ${config.cell}, state in ${shown.startsWith("..") ? config.stateDirectory : shown}`);
  const { stateDirectory } = config;
  mkdirSync(stateDirectory, { recursive: true, mode: 0o711 });
  const first = config.postgres.url === undefined && !existsSync(join(statePaths(config).postgres, "data"));
  await requireRoom(stateDirectory, { first, reserve: reserveOf(stateDirectory) });
  const guest = prepareGuest(config, screen);
  // The caller that awaits the guest hears of a failure; until then nobody does.
  guest.catch(() => undefined);
  let code = 0;
  try {
    const cluster = await startCluster({ config, screen, guest, signal: end.first });
    end.second.addEventListener("abort", () => cluster.hurry());
    code = await beUp({ config, screen, end, guest: await guest });
    await cluster.stop();
  } catch (error) {
    if (!end.first.aborted) throw error;
  }
  screen.say("everything is down");
  return code;
}

interface BeingUp {
  readonly config: ClusterConfig;
  readonly screen: Screen;
  readonly end: End;
  readonly guest: GuestFiles | undefined;
}

/** The time from when all parts run to the first signal; answers the exit code. */
async function beUp({ config, screen, end, guest }: BeingUp): Promise<number> {
  try {
    await welcome({ config, screen, guest, signal: end.first });
    if (!end.first.aborted) screen.show(whatNow(config));
    await aborted(end.first);
    return 0;
  } catch (error) {
    if (end.first.aborted) return 0;
    screen.say(`something failed, everything goes down: ${(error as Error).message}`);
    return 1;
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });

/** The tiny guest, built when it is missing or its sources have changed. Only real hypervisors need it. */
async function prepareGuest(config: ClusterConfig, screen: Screen): Promise<GuestFiles | undefined> {
  if (config.nodes.every(({ hypervisor }) => hypervisor === "fake")) return undefined;
  const directory = statePaths(config).guest;
  const found = findGuest(directory);
  if (found !== undefined) return found;
  screen.say("tiny guest: building …");
  const startedAtMs = performance.now();
  const built = await buildGuest(directory, (text) => screen.say(`tiny guest: ${text}`));
  screen.say(`tiny guest: done, ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s`);
  return built;
}

function whatNow(config: ClusterConfig): string {
  const option = config.file === defaultConfigFile() ? "" : ` --config ${config.file}`;
  const project = config.projects[0] ?? "demo";
  const novact = typedCommand();
  const commands = [
    [`${novact} instance list`, "what there is"],
    [`${novact} instance create web --flavor tiny --image tiny --wait`, "one more"],
    [`${novact} instance console ${config.demo ? "hello" : "web"} --follow`, "watch a console"],
    [`${novact} host list`, "the compute nodes"],
    [`${novact} doctor`, "does everything agree?"],
  ] as const;
  const lines = commands.map(([command, what]) => `  ${`${command}${option}`.padEnd(68)} ${what}`);
  const [first, second] = config.nodes;
  if (first?.sharedDirectory !== undefined && second !== undefined)
    lines.push(
      `  ${`pkill -STOP -f 'compute --name ${first.name}'`.padEnd(68)} lose a node: its guests come back`,
    );
  const subject = `novact.v1.${config.cell}.cmd.${project}.instance.list`;
  return [
    "",
    "What now? In another terminal:",
    ...lines,
    `  nats req ${subject} '{}'`,
    "Ctrl-C ends everything.",
    "",
    "",
  ].join("\n");
}
