/**
 * A whole cluster on this computer: starts the servers, controllers and compute nodes in the order of their
 * dependencies, keeps each of them running, and ends them in the opposite order. It decides nothing about
 * instances.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClusterConfig, hostIdOf, statePaths } from "../config/config.ts";
import { systemClock } from "../process/clock.ts";
import { spaceNames } from "../process/disk-space.ts";
import { environmentOf, keepProxy, type LinkPorts } from "./chaos-proxy.ts";
import { watchDisks } from "./disk-watch.ts";
import { type Keeper, keep } from "./keeper.ts";
import { upLimits } from "./limits.ts";
import { startNatsServer } from "./nats-server.ts";
import { mountNodeFileSystem, unmountNodeFileSystem } from "./node-file-system.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";
import { startPostgres } from "./postgres.ts";
import { reserveOf } from "./reserve.ts";
import type { Screen } from "./screen.ts";
import type { RunningServer } from "./server-process.ts";

export interface ClusterOptions {
  readonly config: ClusterConfig;
  readonly screen: Screen;
  /** Compute nodes start when this resolves: they try their accelerator with the tiny guest. */
  readonly guest: Promise<unknown>;
  /** Awaited before each start of a compute node: chaos keeps a broken node down by this. */
  readonly mayStart?: (node: string) => Promise<void>;
  /** When aborted, gives the start up between two steps. */
  readonly signal?: AbortSignal;
}

export interface Cluster {
  /** Ends everything in order: guests and compute nodes, controllers, NATS, PostgreSQL. Idempotent. */
  stop(): Promise<void>;
  /** Called while the cluster stops: halts the guests instead of waiting for them. */
  hurry(): void;
}

/** The running parts, in the order of their start. */
class Parts {
  readonly servers: Keeper<RunningServer>[] = [];
  /** Between the servers and all other processes, when chaos is allowed. */
  readonly proxies: Keeper<NodeProcess>[] = [];
  links: LinkPorts = new Map();
  readonly controllers: Keeper<NodeProcess>[] = [];
  readonly computes: Keeper<NodeProcess>[] = [];
  /** Makes room in PostgreSQL's directory, if the server is ours. */
  makeRoom: () => Promise<void> = async () => undefined;
  endWatch: () => void = () => undefined;
}

/**
 * Starts the cluster. @throws ServerStartError when a part does not start; the parts that had started are
 * ended again
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const parts = new Parts();
  const { log, run } = statePaths(options.config);
  for (const directory of [options.config.stateDirectory, log, run]) {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  }
  try {
    for (const step of [
      startServers,
      startProxy,
      startControllers,
      (given: ClusterOptions) => given.guest,
      startComputes,
      watchSpace,
    ]) {
      await step(options, parts);
      options.signal?.throwIfAborted();
    }
  } catch (error) {
    await stopParts(parts, options);
    throw error;
  }
  let stopping: Promise<void> | undefined;
  return {
    stop: () => {
      stopping ??= stopParts(parts, options);
      return stopping;
    },
    hurry: () => {
      for (const keeper of parts.computes) void keeper.current()?.shutdown({ guests: true, patienceMs: 0 });
    },
  };
}

async function startServers(options: ClusterOptions, parts: Parts): Promise<void> {
  const { config, screen } = options;
  const started = await Promise.allSettled([
    config.nats.url === undefined ? keepServer(natsStarter(config, screen), screen) : undefined,
    config.postgres.url === undefined ? keepServer(postgresStarter(config, parts), screen) : undefined,
  ]);
  for (const each of started) {
    if (each.status === "fulfilled" && each.value !== undefined) parts.servers.push(each.value);
  }
  for (const each of started) if (each.status === "rejected") throw each.reason;
  for (const server of parts.servers) {
    const { port, pid } = server.current() ?? { port: 0, pid: 0 };
    screen.say(`${server.name} answers on 127.0.0.1:${port} (pid ${pid})`);
  }
}

interface Starter {
  readonly name: string;
  readonly port: number;
  readonly start: (port: number) => Promise<RunningServer>;
}

/** Keeps a server running on the port that its first start found, so that connected clients find it again. */
function keepServer({ name, port, start }: Starter, { say }: Screen): Promise<Keeper<RunningServer>> {
  let kept = port;
  const startOnce = async () => {
    const server = await start(kept);
    kept = server.port;
    return server;
  };
  return keep({ name, start: startOnce, say, clock: systemClock });
}

function natsStarter(config: ClusterConfig, { say }: Screen): Starter {
  const paths = statePaths(config);
  const access = {
    cell: config.cell,
    hosts: config.nodes.map((node) => hostIdOf(config, node.name)),
    projects: config.projects,
    anonymous: config.projects[0] ?? "",
  };
  const logFile = join(paths.log, "nats.log");
  const { websocket } = config.nats;
  let webSocketPort = websocket?.port ?? 0;
  const start = async (port: number) => {
    const server = await startNatsServer({
      ...{ directory: paths.nats, port, logFile, access },
      ...(websocket === undefined ? {} : { webSocket: { ...websocket, port: webSocketPort } }),
    });
    const { webSocketUrl } = server;
    if (webSocketUrl === undefined) return server;
    say(`NATS takes browsers at ${webSocketUrl}`);
    // Kept, as the other port: pages find the server again when it was started anew.
    webSocketPort = Number(new URL(webSocketUrl).port);
    return server;
  };
  return { name: "NATS", port: config.nats.port, start };
}

function postgresStarter(config: ClusterConfig, parts: Parts): Starter {
  const paths = statePaths(config);
  const logFile = join(paths.log, "postgres.log");
  const start = async (port: number) => {
    const server = await startPostgres({ directory: paths.postgres, port, logFile, database: "novact" });
    const text = `${server.url}\n`;
    // A server that comes back on a full disk has its URL written already.
    if (!existsSync(paths.postgresUrl) || readFileSync(paths.postgresUrl, "utf8") !== text)
      writeFileSync(paths.postgresUrl, text, { mode: 0o600 });
    parts.makeRoom = () => server.makeRoom();
    return server;
  };
  return { name: "PostgreSQL", port: config.postgres.port, start };
}

function watchSpace({ config, screen }: ClusterOptions, parts: Parts): void {
  const { stateDirectory, nodes } = config;
  const others = nodes.flatMap(({ name, sharedDirectory }) => [
    { of: `state directory of ${name}`, path: statePaths(config).node(name) },
    ...(sharedDirectory === undefined ? [] : [{ of: spaceNames.shared, path: sharedDirectory }]),
  ]);
  const reserve = reserveOf(stateDirectory);
  const onFull = () => parts.makeRoom();
  parts.endWatch = watchDisks({ stateDirectory, others, reserve, onFull, ...screen, clock: systemClock });
}

async function startProxy({ config, screen }: ClusterOptions, parts: Parts): Promise<void> {
  if (!config.chaos.allowed) return;
  const { keeper, links } = await keepProxy(config, screen);
  parts.proxies.push(keeper);
  parts.links = links;
}

async function startControllers({ config, screen }: ClusterOptions, parts: Parts): Promise<void> {
  for (let index = 0; index < config.controllers; index += 1) {
    const name = `controller-${index + 1}`;
    parts.controllers.push(
      await keepNode(config, screen, {
        ...{ name, role: ["controller", "--index", `${index}`] },
        environment: environmentOf(parts.links, name),
      }),
    );
  }
}

/** Starts all compute nodes at once: they do not depend on each other. */
async function startComputes({ config, screen, mayStart }: ClusterOptions, parts: Parts): Promise<void> {
  const started = await Promise.allSettled(
    config.nodes.map(async ({ name, hypervisor }) => {
      if (hypervisor === "qemu") await mountNodeFileSystem(config, name, screen.say);
      const environment = environmentOf(parts.links, name);
      const role = ["compute", "--name", name];
      const before = async () => mayStart?.(name);
      return keepNode(config, screen, { name, role, environment, before });
    }),
  );
  for (const each of started) if (each.status === "fulfilled") parts.computes.push(each.value);
  for (const each of started) if (each.status === "rejected") throw each.reason;
}

interface NodeToKeep {
  readonly name: string;
  readonly role: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly before?: () => Promise<void>;
}

async function keepNode(
  config: ClusterConfig,
  { say }: Screen,
  { name, role, environment, before }: NodeToKeep,
): Promise<Keeper<NodeProcess>> {
  const { log, run } = statePaths(config);
  const start = async () => {
    await before?.();
    return startNodeProcess({
      name,
      arguments: [...role, "--config", config.file],
      environment,
      identity: { file: join(run, `${name}.json`), argument: config.file },
      outputFile: join(log, `${name}.out`),
      // A compute node makes little garbage: a small nursery saves 10 MiB. A busy controller would pay for it
      // in time.
      nodeArguments: role[0] === "compute" ? ["--max-semi-space-size=2"] : [],
    });
  };
  const keeper = await keep({ name, start, say, clock: systemClock });
  say(`${name} serves (pid ${keeper.current()?.pid ?? 0})`);
  return keeper;
}

async function stopParts(parts: Parts, { config, screen: { say } }: ClusterOptions): Promise<void> {
  const patienceMs = upLimits.upGuestPatienceMs;
  parts.endWatch();
  if (parts.computes.length > 0) say("guests are powered down, compute nodes end");
  await stopAll(parts.computes, (node) => node.shutdown({ guests: true, patienceMs }));
  for (const { name } of config.nodes) await unmountNodeFileSystem(config, name);
  if (parts.controllers.length > 0) say("controllers end");
  await stopAll(parts.controllers, (node) => node.shutdown({ guests: false, patienceMs: 0 }));
  await stopAll(parts.proxies, (proxy) => proxy.shutdown({ guests: false, patienceMs: 0 }));
  if (parts.servers.length > 0) say(`${parts.servers.map(({ name }) => name).join(" and ")} end`);
  await stopAll(parts.servers, (server) => server.stop());
}

async function stopAll<K extends NodeProcess | RunningServer>(
  keepers: readonly Keeper<K>[],
  end: (kept: K) => Promise<void>,
): Promise<void> {
  await Promise.all(keepers.map((keeper) => keeper.stop(end)));
}
