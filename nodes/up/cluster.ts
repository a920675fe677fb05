/**
 * A whole cluster on this computer: starts the servers, controllers and compute nodes in the order of their
 * dependencies, keeps each of them running, and ends them in the opposite order. It decides nothing about
 * instances.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { NatsCredentials } from "../bus/credentials.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { type NetworkChoice, networkArgument } from "../config/network-choice.ts";
import { ownServerConnections } from "../config/postgres-connections.ts";
import { systemClock } from "../process/clock.ts";
import { spaceNames } from "../process/disk-space.ts";
import { writeStateFile } from "../process/state-file.ts";
import type { Stop } from "../setup/run-command.mjs";
import { environmentOf, keepProxy, type LinkPorts } from "./chaos-proxy.ts";
import { type JudgedNodes, judgeNodes, tellBroken } from "./compute-nodes.ts";
import { silent, watchDisks } from "./disk-watch.ts";
import { type Keeper, keep } from "./keeper.ts";
import { upLimits } from "./limits.ts";
import { mendStream } from "./mend-stream.ts";
import { openMetricsPage } from "./metrics.ts";
import { startNatsServer } from "./nats-server.ts";
import { mountNodeFileSystem, unmountNodeFileSystem } from "./node-file-system.ts";
import { type MemoryRole, nodeMemory } from "./node-memory.ts";
import { type NodeProcess, startNodeProcess } from "./node-process.ts";
import type { OwnNetworks } from "./own-networks.ts";
import { startPostgres } from "./postgres.ts";
import { reserveOf } from "./reserve.ts";
import type { Screen } from "./screen.ts";
import { type RunningServer, ServerStartError } from "./server-process.ts";

export interface ClusterOptions {
  readonly config: ClusterConfig;
  readonly screen: Screen;
  /** Compute nodes start when this resolves: they try their accelerator with the tiny guest. */
  readonly guest: Promise<unknown>;
  /** What the nodes get that leave their network driver to `up`. Absent: what the configuration says. */
  readonly networks?: Promise<Pick<OwnNetworks, "choices">>;
  /** Awaited before each start of a compute node: chaos keeps a broken node down by this. */
  readonly mayStart?: (node: string) => Promise<void>;
  /**
   * Ends the start: at the first Ctrl-C nothing new is started, and what is starting is asked to end; at the
   * second one everything is ended at once.
   */
  readonly stop?: Stop;
}

export interface Cluster {
  /** Ends everything in order: guests and compute nodes, controllers, NATS, PostgreSQL. Idempotent. */
  stop(): Promise<void>;
  /** Called while the cluster stops: halts the guests instead of waiting for them. */
  hurry(): void;
  /** The nodes that have not started at this moment, with what is wrong with them. */
  broken(): ReadonlyMap<string, Error>;
  /** The agents that run at this moment, by the names of their nodes. */
  pids(): ReadonlyMap<string, number>;
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
  closePage: () => Promise<void> = async () => undefined;
  /** With which our own NATS server says what it has counted; undefined: it never ran, or is not ours. */
  natsMeter: NatsCredentials | undefined;
  nodes: JudgedNodes = { sound: new Map(), broken: new Map() };
  /** Nodes whose first start failed; they are tried again. */
  readonly failed = new Map<string, Error>();

  hurry(): void {
    for (const keeper of this.computes) void keeper.current()?.shutdown({ guests: true, patienceMs: 0 });
  }

  broken(): ReadonlyMap<string, Error> {
    const runs = (wanted: string) =>
      this.computes.some((one) => one.name === wanted && one.current() !== undefined);
    return new Map([...this.nodes.broken, ...[...this.failed].filter(([name]) => !runs(name))]);
  }

  /** Ends every process at once; none is started again. */
  kill(): void {
    const all = [...this.computes, ...this.controllers, ...this.proxies];
    for (const keeper of all) void keeper.stop(killed);
    for (const keeper of this.servers) void keeper.stop(killed);
  }
}

async function killed(kept: { readonly ended: Promise<unknown>; kill(): void }): Promise<void> {
  kept.kill();
  await kept.ended;
}

/**
 * Starts the cluster. @throws ServerStartError when a server, a controller, or every node does not start, the
 * reason of `stop.first` when that is aborted; the parts that had started are ended again
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const parts = new Parts();
  const { config, screen, stop } = options;
  const { log, run } = statePaths(config);
  for (const directory of [config.stateDirectory, log, run]) {
    mkdirSync(directory, { recursive: true, mode: 0o711 });
  }
  stop?.second.addEventListener("abort", () => endAtOnce(parts));
  try {
    parts.nodes = judgeNodes(config);
    tellBroken(parts.nodes, screen.say);
    for (const step of [
      startPage,
      startServers,
      startProxy,
      startControllers,
      (given: ClusterOptions) => given.guest,
      startComputes,
      watchSpace,
    ]) {
      stop?.first.throwIfAborted();
      await step(options, parts);
    }
    stop?.first.throwIfAborted();
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
    hurry: () => parts.hurry(),
    broken: () => parts.broken(),
    pids: () =>
      new Map(
        parts.computes.flatMap((keeper) => {
          const pid = keeper.current()?.pid;
          return pid === undefined ? [] : [[keeper.name, pid] as const];
        }),
      ),
  };
}

/** Halts the guests, and kills whatever is left when they had time enough. */
function endAtOnce(parts: Parts): void {
  parts.hurry();
  const hasAgents = parts.computes.some((keeper) => keeper.current() !== undefined);
  const patienceMs = hasAgents ? upLimits.upHurryMsMax : upLimits.upHurryWithoutGuestsMsMax;
  setTimeout(() => parts.kill(), patienceMs).unref();
}

async function startPage({ config, screen: { say } }: ClusterOptions, parts: Parts): Promise<void> {
  const processes = () => [...parts.controllers, ...parts.computes];
  parts.closePage = await openMetricsPage({ config, processes, nats: () => parts.natsMeter, say });
}

async function startServers(options: ClusterOptions, parts: Parts): Promise<void> {
  const { config, screen } = options;
  const hosts = [...parts.nodes.sound.values()];
  const started = await Promise.allSettled([
    config.nats.url === undefined ? keepServer(natsStarter(options, hosts, parts), screen) : undefined,
    config.postgres.url === undefined ? keepServer(postgresStarter(options, parts), screen) : undefined,
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

function natsStarter(
  { config, screen: { say }, stop }: ClusterOptions,
  hosts: readonly string[],
  parts: Parts,
): Starter {
  const paths = statePaths(config);
  const access = {
    cell: config.cell,
    hosts,
    projects: config.projects,
    anonymous: config.nats.anonymous,
  };
  const logFile = join(paths.log, "nats.log");
  const { websocket } = config.nats;
  let webSocketPort = websocket?.port ?? 0;
  const start = async (port: number) => {
    const server = await startNatsServer({
      ...{ directory: paths.nats, port, logFile, access, metered: config.metrics !== undefined },
      ...(websocket === undefined ? {} : { webSocket: { ...websocket, port: webSocketPort } }),
      ...(stop === undefined ? {} : { stop }),
    });
    parts.natsMeter = server.meterCredentials;
    const { webSocketUrl } = server;
    if (webSocketUrl === undefined) return server;
    say(`NATS takes browsers at ${webSocketUrl}`);
    // Kept, as the other port: pages find the server again when it was started anew.
    webSocketPort = Number(new URL(webSocketUrl).port);
    return server;
  };
  return { name: "NATS", port: config.nats.port, start };
}

function postgresStarter({ config, stop }: ClusterOptions, parts: Parts): Starter {
  const paths = statePaths(config);
  const logFile = join(paths.log, "postgres.log");
  const start = async (port: number) => {
    const server = await startPostgres({
      ...{ directory: paths.postgres, port, logFile, database: "novact" },
      connectionsMax: ownServerConnections(config.controllers),
      ...(stop === undefined ? {} : { stop }),
    });
    writeStateFile(paths.postgresUrl, `${server.url}\n`);
    parts.makeRoom = () => server.makeRoom();
    return server;
  };
  return { name: "PostgreSQL", port: config.postgres.port, start };
}

function watchSpace({ config, screen }: ClusterOptions, parts: Parts): void {
  const { stateDirectory, nodes } = config;
  const others = nodes.flatMap(({ name, sharedDirectory }) => [
    { of: `state directory of ${name}`, path: statePaths(config).node(name) },
    { of: `directory of guests of ${name}`, path: statePaths(config).nodeFileSystem(name) },
    ...(sharedDirectory === undefined ? [] : [{ of: spaceNames.shared, path: sharedDirectory }]),
  ]);
  const reserve = reserveOf(stateDirectory);
  const onFull = () => parts.makeRoom();
  const onRoom = () => {
    const nats = parts.servers.find(({ name }) => name === "NATS")?.current();
    return mendStream({ config, nats, say: screen.say, log: silent });
  };
  parts.endWatch = watchDisks({
    stateDirectory,
    others,
    reserve,
    onFull,
    onRoom,
    ...screen,
    clock: systemClock,
  });
}

async function startProxy({ config, screen }: ClusterOptions, parts: Parts): Promise<void> {
  if (!config.chaos.allowed) return;
  const { keeper, links } = await keepProxy(config, screen);
  parts.proxies.push(keeper);
  parts.links = links;
}

async function startControllers(options: ClusterOptions, parts: Parts): Promise<void> {
  for (let index = 0; index < options.config.controllers; index += 1) {
    options.stop?.first.throwIfAborted();
    const name = `controller-${index + 1}`;
    parts.controllers.push(
      await keepNode(options, {
        ...{ name, role: ["controller", `--index=${index}`] },
        environment: environmentOf(parts.links, name),
      }),
    );
  }
}

/**
 * Starts all sound compute nodes at once: they do not depend on each other. One that does not start is tried
 * again for ever. @throws ServerStartError when none starts
 */
async function startComputes(options: ClusterOptions, parts: Parts): Promise<void> {
  const { config, screen, mayStart } = options;
  const { sound, broken } = parts.nodes;
  const choices = (await options.networks)?.choices;
  const keepers = config.nodes
    .filter(({ name }) => sound.has(name))
    .map(({ name, pretends }) => {
      let asked = pretends;
      const before = async () => {
        await mayStart?.(name);
        if (!asked) await mountNodeFileSystem(config, name, screen.say);
        asked = true;
      };
      const firstFailed = (error: Error) => {
        parts.failed.set(name, error);
        if (options.stop?.first.aborted === true) return;
        const whose = error instanceof ServerStartError ? "" : `${name} did not start: `;
        screen.say(`${whose}${error.message}; it is tried again`);
      };
      return keepNode(options, {
        ...{ name, role: computeRole(name, choices?.get(name)), before, firstFailed },
        environment: environmentOf(parts.links, name),
      });
    });
  for (const keeper of await Promise.all(keepers)) parts.computes.push(keeper);
  const [fault] = [...parts.failed.values(), ...broken.values()];
  if (fault !== undefined && parts.failed.size === sound.size) throw fault;
}

const computeRole = (name: string, network: NetworkChoice | undefined): NodeToKeep["role"] => [
  "compute",
  `--name=${name}`,
  ...(network === undefined ? [] : [`--network=${networkArgument(network)}`]),
];

interface NodeToKeep {
  readonly name: string;
  readonly role: readonly [MemoryRole, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  readonly before?: () => Promise<void>;
  readonly firstFailed?: (error: Error) => void;
}

async function keepNode(
  { config, screen: { say }, stop }: ClusterOptions,
  { name, role, environment, before, firstFailed }: NodeToKeep,
): Promise<Keeper<NodeProcess>> {
  const { log, run } = statePaths(config);
  const memory = nodeMemory[role[0]];
  const start = async () => {
    await before?.();
    return startNodeProcess({
      name,
      arguments: [...role, "--config", config.file],
      environment: { ...environment, ...memory.environment },
      identity: { file: join(run, `${name}.json`), argument: config.file },
      outputFile: join(log, `${name}.out`),
      nodeArguments: memory.nodeArguments,
      now: stop?.second,
    });
  };
  const told = firstFailed === undefined ? {} : { firstFailed };
  const keeper = await keep({ name, start, say, clock: systemClock, ...told });
  const pid = keeper.current()?.pid;
  if (pid !== undefined) say(`${name} serves (pid ${pid})`);
  return keeper;
}

async function stopParts(parts: Parts, { config, screen: { say } }: ClusterOptions): Promise<void> {
  const patienceMs = upLimits.upGuestPatienceMs;
  parts.endWatch();
  await parts.closePage();
  if (parts.computes.length > 0) say("guests are powered down, compute nodes end");
  await stopAll(parts.computes, (node) => node.shutdown({ guests: true, patienceMs }));
  for (const { name } of config.nodes) await unmountNodeFileSystem(config, name, say);
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
