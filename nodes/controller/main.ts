/**
 * The controller's process: opens PostgreSQL, NATS and the image store, and hands them to the assembly; what
 * hears the hosts runs in a thread of its own (safety-thread.ts). It is the only process with the database;
 * it must never decide anything.
 */
import { dirname } from "node:path";
import type { DiskSpace } from "../../actors/ports/disk-space.ts";
import type { ImageFiles } from "../../actors/ports/image-files.ts";
import type { ActorSystem } from "../../actors/runtime/system.ts";
import { openStore } from "../../db/postgres/connect.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { controllerUser } from "../bus/users.ts";
import { type ClusterConfig, connectionOf, postgresUrlOf, statePaths } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { configLimits } from "../config/limits.ts";
import { connectionsOf } from "../config/postgres-connections.ts";
import { serverPortsOf } from "../config/server-ports.ts";
import { createImageFiles } from "../drivers/images/files.ts";
import { startEventPublisher } from "../events/publisher.ts";
import { createEventStream } from "../events/stream.ts";
import { createPowerFence } from "../fence/index.ts";
import { meterBus } from "../metrics/bus.ts";
import { meterStore } from "../metrics/store.ts";
import { threadMeter } from "../metrics/thread-meter.ts";
import { ownRelease } from "../package/release.ts";
import { type Cluster, versionsOf } from "../plugins/load.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { DirectorySpace, spaceNames } from "../process/disk-space.ts";
import type { ThreadMeasured } from "../process/messages.ts";
import { builtInSinks } from "../sinks/built-in.ts";
import { ailingSinks, type OpenedSink, openSinks, runSinks, SinkError } from "../sinks/index.ts";
import { memoriesIn } from "../sinks/memory.ts";
import { assembleController, type ControllerPorts } from "./assembly.ts";
import { openImageDoor } from "./image-door.ts";
import { SafetyThread } from "./safety-worker.ts";

export interface RunningController {
  /** Resolves when it cannot go on: a newer version has changed the database. It still has to be stopped. */
  readonly outdated: Promise<string>;
  /** The counters of the controller's two threads; empty when the meter is off. */
  measure(): Promise<readonly ThreadMeasured[]>;
  /** Answers the requests that it has taken, then closes everything. Hosts and guests run on. */
  stop(): Promise<void>;
}

export interface ControllerOptions extends Cluster {
  /**
   * 0, 1, …: distinguishes the controllers of one computer, in logs and in the round robin among equal hosts.
   */
  readonly index: number;
  readonly log: Log;
}

/**
 * Starts a controller. @throws StatusError when PostgreSQL or NATS cannot be reached, ConfigError when they
 * were never set up
 */
export async function startController(options: ControllerOptions): Promise<RunningController> {
  const { config, plugins, index, log } = options;
  const clock = systemClock;
  const { cell } = config;
  const { promise: outdated, resolve: onOutdated } = Promise.withResolvers<string>();
  const { meter, measure } = threadMeter({ on: config.metrics !== undefined, log, whole: true });
  const name = `controller-${index + 1}`;
  const sinks = sinksOf(options, (opened, system) =>
    runSinks(opened, { store, system, log, holder: name, memories: memoriesIn(statePaths(config).sinks) }),
  );
  const url = postgresUrlOf(config);
  const store = await openStore({
    ...{ url, clock, log, onOutdated, meter: meterStore(meter) },
    connectionsMax: configLimits.actorsConnectionsMax,
    together: { controllers: config.controllers, connections: connectionsOf(config.controllers) },
  });
  const bus = await connectNats({
    ...connectionOf(config, controllerUser),
    name: `controller-${index}`,
    log,
    deaf: true,
  });
  meterBus(meter, bus);
  const stream = createEventStream({ bus, cell });
  const safety = new SafetyThread({
    ...{ config, name, log, onOutdated },
    onEnded: () => endProcess(log, "the safety channel has ended"),
  });
  const door = await openImageDoor(config, { name, index, log });
  const controller = await assembleController({
    cell,
    name,
    store,
    writer: () => store.writer.look(),
    bus,
    clock,
    ids: systemIds(config.deployment),
    log,
    scheduler: { ...config.scheduler, foreign: plugins.parts },
    hypervisors: plugins.parts.hypervisors,
    extensions: plugins.loaded,
    firstTurn: index,
    // On a server of somebody else's there may be more than these.
    ...(config.nats.url === undefined ? { projects: config.projects } : {}),
    hostPortsReserved: serverPortsOf(config),
    imageFiles: imageFilesOf(config),
    imageDoor: door,
    space: spaceOf(config),
    release: { name, release: { ...ownRelease(), plugins: versionsOf(plugins) } },
    power: createPowerFence({
      ...{ nodes: config.nodes, clock, log, file: config.file },
      drivers: plugins.parts.power,
    }),
    openSafety: safety.open,
    openPublisher: (system) => startEventPublisher({ store, stream, system, log, meter }),
    meter,
    ...sinks,
    onFailed: () => endProcess(log, "an actor that the controller needs has failed for good"),
  });
  bus.onConnected(() => controller.cutOff());
  log.info({ cell, index }, "the controller serves");
  return {
    outdated,
    measure: async () => [
      { thread: "main", measured: measure() },
      { thread: "safety", measured: await safety.measure() },
    ],
    stop: async () => {
      await door.close();
      await controller.stop();
      await bus.close();
      await store.close();
    },
  };
}

/**
 * Every controller of the computer can bring events to the sinks, and tells of sinks that ail.
 * @throws ConfigError when a sink cannot be opened
 */
function sinksOf(
  { config, plugins, log }: ControllerOptions,
  run: (opened: readonly OpenedSink[], system: ActorSystem) => ReturnType<typeof runSinks>,
): Pick<ControllerPorts, "openSinks" | "ailingSinks"> {
  const { sinks, cell, file } = config;
  if (sinks.length === 0) return {};
  const names = sinks.map(({ name }) => name);
  const ailing = () => ailingSinks(names, statePaths(config).sinks, systemClock.nowMs());
  const drivers = { ...builtInSinks, ...plugins.parts.sinks };
  try {
    const opened = openSinks(sinks, drivers, { cell, directory: dirname(file), clock: systemClock, log });
    return { ailingSinks: ailing, openSinks: (system) => run(opened, system) };
  } catch (thrown) {
    if (!(thrown instanceof SinkError)) throw thrown;
    throw new ConfigError(file, [{ line: sinks[thrown.index]?.line ?? 1, message: thrown.message }]);
  }
}

/** In the ordinary way, so that what was taken is answered; whoever keeps the process starts it again. */
function endProcess(log: Log, why: string): void {
  log.error({ why }, "the process ends");
  process.kill(process.pid, "SIGTERM");
}

/** The database's directory is judged only when it is on this computer. */
function spaceOf(config: ClusterConfig): DiskSpace {
  const { postgres } = statePaths(config);
  const database = config.postgres.url === undefined ? [{ of: spaceNames.database, path: postgres }] : [];
  return new DirectorySpace([{ of: spaceNames.state, path: config.stateDirectory }, ...database]);
}

function imageFilesOf(config: ClusterConfig): ImageFiles {
  const { images, guest, import: imports } = statePaths(config);
  return createImageFiles({ directory: images, sources: [guest, imports, ...config.imageDirectories] });
}
