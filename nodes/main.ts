/**
 * The entry of every process of a cluster: picks the role, starts it, and ends it on a signal or on a word of
 * `up`.
 *
 *   main.ts up         [--config FILE]               the whole cluster on this computer (up/up.ts)
 *   main.ts controller [--config FILE] [--index=N]   one controller
 *   main.ts compute    [--config FILE] --name=NODE   one compute node; its guests outlive it
 *
 * This file holds no behaviour of a role.
 */
import "./process/umask.ts";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { StatusError } from "../protocol/wire/status.ts";
import { type Task, taskOf, usage } from "./arguments.ts";
import { statePaths } from "./config/config.ts";
import { ConfigError } from "./config/errors.ts";
import { makeStateDirectory } from "./config/surroundings.ts";
import { exitCodes } from "./package/exit-codes.ts";
import { codeOf, failureOf } from "./package/failure.ts";
import { ownRelease, releaseText } from "./package/release.ts";
import { type Cluster, loadCluster } from "./plugins/load.ts";
import { closeInherited } from "./process/inherited.ts";
import { processLimits } from "./process/limits.ts";
import { type LogFile, openLog } from "./process/log.ts";
import {
  type ChildMessage,
  isMeasure,
  isShutdown,
  type MeasuredMessage,
  type ShutdownMessage,
  type ThreadMeasured,
} from "./process/messages.ts";
import { upLimits } from "./up/limits.ts";

interface Ending extends Pick<ShutdownMessage, "guests" | "patienceMs"> {
  /** The exit code that the process ends with, once its role has stopped. */
  readonly exit: number;
}

/** Nobody waits, and guests run on. */
const alone: Ending = { guests: false, patienceMs: 0, exit: exitCodes.ok.exit };

interface Running {
  /** Resolves, with why, when it cannot go on; it is stopped then. */
  readonly outdated?: Promise<string>;
  measure(): Promise<readonly ThreadMeasured[]>;
  stop(ending: Ending): Promise<void>;
  /** Called while the role stops: ends by force what it still waits for. */
  hurry?(): Promise<void>;
}

interface Role {
  readonly name: string;
  start(cluster: Cluster, log: LogFile): Promise<Running>;
}

/** The role of a task. Each role loads only its own code: `up` needs no database. */
function roleOf(task: Extract<Task, { kind: "controller" | "compute" }>): Role {
  if (task.kind === "controller") {
    const { index } = task;
    return {
      name: `controller-${index + 1}`,
      start: async (cluster, log) => {
        const { startController } = await import("./controller/main.ts");
        const controller = await startController({ ...cluster, index, log });
        const { outdated } = controller;
        return { outdated, measure: () => controller.measure(), stop: () => controller.stop() };
      },
    };
  }
  const { name, network } = task;
  return {
    name,
    start: async (cluster, log) => {
      const { startCompute } = await import("./compute/main.ts");
      return startCompute({ ...cluster, nodeName: name, network, log });
    },
  };
}

async function main(): Promise<void> {
  closeInherited();
  const task = taskOf(process.argv.slice(2));
  switch (task.kind) {
    case "help":
      process.stdout.write(`${usage}\n`);
      return;
    case "version":
      process.stdout.write(`${releaseText(ownRelease())}\n`);
      return;
    case "up": {
      const { up } = await import("./up/up.ts");
      process.exit(await up(task.config === undefined ? {} : { config: task.config }));
      break;
    }
    default:
      await runRole(roleOf(task), await clusterFor(task));
  }
}

/** @throws ConfigError; hostNotFound before the name of a node that there is not becomes one of a file */
async function clusterFor(task: Extract<Task, { kind: "controller" | "compute" }>): Promise<Cluster> {
  const cluster = await loadCluster(task.config);
  const { config } = cluster;
  if (task.kind === "compute" && config.nodes.every(({ name }) => name !== task.name)) {
    throw new StatusError("hostNotFound", `There is no node ${task.name} in ${config.file}.`);
  }
  const obstacle = makeStateDirectory(config.stateDirectory);
  if (obstacle === undefined) return cluster;
  throw new ConfigError(config.file, [{ line: 1, message: `stateDirectory: ${obstacle}` }]);
}

/** Runs a role until a signal, a message from `up`, or the end of `up`. */
async function runRole(role: Role, cluster: Cluster): Promise<void> {
  // What is printed goes to a file as well, and is lost on a full disk: the process lives on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const log = openLog({ process: role.name, file: join(statePaths(cluster.config).log, `${role.name}.log`) });
  const told = untilTold(log);
  const running = await role.start(cluster, log);
  answerMeasures(running, log);
  await tell({ kind: "ready" });
  releaseStartUpMemory();
  const ending = await Promise.race([told, endOf(running, log)]);
  // A role that hangs must not keep the process alive: the truth is in the database and on the host's disk.
  const patienceMs = ending.patienceMs + upLimits.serverStopTimeoutMs / 2;
  setTimeout(() => process.exit(1), patienceMs).unref();
  process.on("message", (message) => {
    if (!isShutdown(message) || !message.guests) return;
    running.hurry?.().catch((error: unknown) => log.warn({ error }, "not every guest could be halted"));
  });
  await running.stop(ending);
  log.info({}, "the process ends");
  log.close();
  process.exit(ending.exit);
}

/** Answers `up`, which asks when somebody reads the page for Prometheus. */
function answerMeasures(running: Running, log: LogFile): void {
  process.on("message", (message) => {
    if (!isMeasure(message)) return;
    const { number } = message;
    running
      .measure()
      .then((threads) => tell({ kind: "measured", number, threads }))
      .catch((error: unknown) => log.warn({ error }, "what was counted could not be said"));
  });
}

/** Never resolves for what can always go on. */
async function endOf({ outdated }: Running, log: LogFile): Promise<Ending> {
  const why = await (outdated ?? new Promise<never>(() => undefined));
  log.error({}, why);
  process.stderr.write(`${why}\n`);
  return { ...alone, exit: exitCodes.conflict.exit };
}

function untilTold(log: LogFile): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (why: string, ending: Ending) => {
      log.info({ why }, "told to end");
      resolve(ending);
    };
    // A signal to all processes of a cluster may come here before the word of `up`, which says how guests
    // end.
    const afterUp = (why: string, ending: Ending) => {
      if (process.connected) setTimeout(() => end(why, ending), processLimits.upSaysWithinMs);
      else end(why, ending);
    };
    process.on("message", (message) => {
      if (isShutdown(message)) end("up says so", { ...alone, ...message });
    });
    process.on("disconnect", () => end("up is gone", alone));
    process.on("SIGTERM", () => afterUp("SIGTERM", alone));
    process.on("SIGINT", () => afterUp("SIGINT", { ...alone, exit: exitCodes.interrupted.exit }));
  });
}

/**
 * Collects the garbage of the start, once. V8 would keep it until memory gets short, because an idle process
 * allocates next to nothing: some 20 MiB in every process of a cluster.
 */
function releaseStartUpMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setTimeout(() => typeof collect === "function" && collect(), processLimits.startUpSettlesMs).unref();
}

/** Sends a message to `up`. Resolves when `up` has received it; at once when there is no `up`. */
function tell(message: ChildMessage | MeasuredMessage): Promise<void> {
  const send = process.send?.bind(process);
  if (send === undefined || !process.connected) return Promise.resolve();
  return new Promise((resolve) => send(message, undefined, {}, () => resolve()));
}

try {
  await main();
} catch (error) {
  const { text, exit } = failureOf(error);
  process.stderr.write(`${text}\n`);
  const message = error instanceof Error ? error.message : String(error);
  await tell({ kind: "failed", message, code: codeOf(error) ?? "INTERNAL" });
  process.exit(exit);
}
