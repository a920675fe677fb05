/**
 * The entry of every process of a cluster: picks the role, starts it, and ends it on a signal or on a word of
 * `up`.
 *
 *   main.ts up         [--config FILE]               the whole cluster on this computer (up/up.ts)
 *   main.ts controller [--config FILE] [--index N]   one controller
 *   main.ts compute    [--config FILE] --name NODE   one compute node; its guests outlive it
 *
 * This file holds no behaviour of a role.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ClusterConfig, ConfigError, loadConfig, statePaths } from "./config/config.ts";
import { processLimits } from "./process/limits.ts";
import { type LogFile, openLog } from "./process/log.ts";
import { type ChildMessage, isShutdown, type ShutdownMessage } from "./process/messages.ts";
import { upLimits } from "./up/limits.ts";

type Ending = Pick<ShutdownMessage, "guests" | "patienceMs">;

/** Nobody waits, and guests run on. */
const alone: Ending = { guests: false, patienceMs: 0 };

interface Running {
  /** Resolves, with why, when it cannot go on; it is stopped then. */
  readonly outdated?: Promise<string>;
  stop(ending: Ending): Promise<void>;
  /** Called while the role stops: ends by force what it still waits for. */
  hurry?(): Promise<void>;
}

interface Role {
  readonly name: string;
  start(config: ClusterConfig, log: LogFile): Promise<Running>;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { config: { type: "string" }, index: { type: "string" }, name: { type: "string" } },
});

/** The role by its name. Each role loads only its own code: `up` needs no database. */
function roleOf(kind: string | undefined): Role | undefined {
  if (kind === "controller") {
    const index = Number(values.index ?? 0);
    return {
      name: `controller-${index + 1}`,
      start: async (config, log) => {
        const { startController } = await import("./controller/main.ts");
        const controller = await startController({ config, index, log });
        return { outdated: controller.outdated, stop: () => controller.stop() };
      },
    };
  }
  if (kind === "compute") {
    const nodeName = values.name ?? "";
    return {
      name: nodeName,
      start: async (config, log) => {
        const { startCompute } = await import("./compute/main.ts");
        return startCompute({ config, nodeName, log });
      },
    };
  }
  return undefined;
}

async function main(): Promise<void> {
  if (positionals[0] === "up") {
    const { up } = await import("./up/up.ts");
    process.exit(await up(values.config === undefined ? {} : { config: values.config }));
  }
  const role = roleOf(positionals[0]);
  if (role === undefined) {
    process.stderr.write(
      "Usage: main.ts up | controller [--index N] | compute --name NODE   [--config FILE]\n",
    );
    process.exitCode = 2;
    return;
  }
  await runRole(role, loadConfig(values.config));
}

/** Runs a role until a signal, a message from `up`, or the end of `up`. */
async function runRole(role: Role, config: ClusterConfig): Promise<void> {
  // What is printed goes to a file as well, and is lost on a full disk: the process lives on.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const log = openLog({ process: role.name, file: join(statePaths(config).log, `${role.name}.log`) });
  const told = untilTold(log);
  const running = await role.start(config, log);
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
  process.exit(0);
}

/** Never resolves for what can always go on. */
async function endOf({ outdated }: Running, log: LogFile): Promise<Ending> {
  const why = await (outdated ?? new Promise<never>(() => undefined));
  log.error({}, why);
  process.stderr.write(`${why}\n`);
  return alone;
}

function untilTold(log: LogFile): Promise<Ending> {
  return new Promise((resolve) => {
    const end = (why: string, ending: Ending) => {
      log.info({ why }, "told to end");
      resolve(ending);
    };
    process.on("message", (message) => {
      if (isShutdown(message)) end("up says so", message);
    });
    process.on("disconnect", () => end("up is gone", alone));
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end(signal, alone));
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
function tell(message: ChildMessage): Promise<void> {
  const send = process.send?.bind(process);
  if (send === undefined || !process.connected) return Promise.resolve();
  return new Promise((resolve) => send(message, undefined, {}, () => resolve()));
}

try {
  await main();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `${error instanceof ConfigError || !(error instanceof Error) ? message : error.stack}\n`,
  );
  await tell({ kind: "failed", message });
  process.exit(1);
}
