/**
 * The entry of every process of a cluster: picks the role, starts it, ends it when it is told to.
 *
 *   main.ts up         [--config FILE]               the whole cluster on this machine (up/up.ts)
 *   main.ts controller [--config FILE] [--index N]   one controller
 *   main.ts compute    [--config FILE] --name NODE   one compute node; its guests outlive it
 *
 * It holds no behaviour of a role.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { limits } from "../protocol/limits/limits.ts";
import { type ClusterConfig, ConfigError, loadConfig, statePaths } from "./config/config.ts";
import { type LogFile, openLog } from "./process/log.ts";
import { type ChildMessage, isShutdown, type ShutdownMessage } from "./process/messages.ts";

type Ending = Pick<ShutdownMessage, "guests" | "patienceMs">;

/** Nobody waits, and guests run on. */
const alone: Ending = { guests: false, patienceMs: 0 };

interface Running {
  /** Resolves, with why, when it cannot go on; it is stopped then. */
  readonly outdated?: Promise<string>;
  stop(ending: Ending): Promise<void>;
  /** While it stops: what it still waits for is ended by force. */
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

/** Each role loads its own code only: `up` needs no database. */
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

/** Runs until a signal, a word from `up`, or the end of `up`. */
async function runRole(role: Role, config: ClusterConfig): Promise<void> {
  const log = openLog({ process: role.name, file: join(statePaths(config).log, `${role.name}.log`) });
  const told = untilTold(log);
  const running = await role.start(config, log);
  await tell({ kind: "ready" });
  releaseStartUpMemory();
  const ending = await Promise.race([told, endOf(running, log)]);
  // Whatever hangs now must not keep the process: what is true is in the database and on the host's disk.
  const patienceMs = ending.patienceMs + limits.serverStopTimeoutMs / 2;
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
 * Collects what the start has left behind, once. V8 would keep it until memory gets short, since an idle
 * process allocates next to nothing: some 20 MiB in every process of a cluster.
 */
function releaseStartUpMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setTimeout(() => typeof collect === "function" && collect(), limits.startUpSettlesMs).unref();
}

/** Resolves when `up` has it; at once when nobody listens. */
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
