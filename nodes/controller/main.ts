/**
 * The controller's process: opens what is real (PostgreSQL, NATS, the image store) and hands it to the
 * assembly. It holds the database; it must never decide anything.
 */
import type { ImageFiles } from "../../actors/control/catalog/images.ts";
import { openStore } from "../../db/postgres/connect.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { controllerUser } from "../bus/access.ts";
import { connectNats } from "../bus/nats.ts";
import { type ClusterConfig, connectionOf, postgresUrlOf, statePaths } from "../config/config.ts";
import { ImageStore } from "../drivers/images/store.ts";
import { startEventPublisher } from "../events/publisher.ts";
import { createEventStream } from "../events/stream.ts";
import { createPowerFence } from "../fence/index.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { assembleController } from "./assembly.ts";

export interface RunningController {
  /** Resolves when it cannot go on: a newer version has changed the database. It still has to be stopped. */
  readonly outdated: Promise<string>;
  /** Answers what it has taken, then closes everything. Hosts and guests run on. */
  stop(): Promise<void>;
}

export interface ControllerOptions {
  readonly config: ClusterConfig;
  /** 0, 1, …: tells controllers of one machine apart, in logs and where equals take turns. */
  readonly index: number;
  readonly log: Log;
}

/** @throws StatusError when PostgreSQL or NATS cannot be reached, ConfigError when they were never set up */
export async function startController({ config, index, log }: ControllerOptions): Promise<RunningController> {
  const clock = systemClock;
  const { cell } = config;
  const { promise: outdated, resolve: onOutdated } = Promise.withResolvers<string>();
  const store = await openStore({ url: postgresUrlOf(config), clock, log, onOutdated });
  const bus = await connectNats({
    ...connectionOf(config, controllerUser),
    name: `controller-${index}`,
    log,
    deaf: true,
  });
  const publisher = startEventPublisher({ store, stream: createEventStream({ bus, cell }), clock, log });
  const controller = await assembleController({
    cell,
    store,
    bus,
    clock,
    ids: systemIds,
    log,
    scheduler: config.scheduler,
    firstTurn: index,
    imageFiles: imageFilesOf(config),
    power: createPowerFence({ nodes: config.nodes, clock, log }),
    wakePublisher: () => publisher.wake(),
  });
  bus.onConnected(() => controller.cutOff());
  log.info({ cell, index }, "the controller serves");
  return {
    outdated,
    stop: async () => {
      await controller.stop();
      await publisher.stop();
      await bus.close();
      await store.close();
    },
  };
}

function imageFilesOf(config: ClusterConfig): ImageFiles {
  const { images, guest, import: imports } = statePaths(config);
  const store = new ImageStore({ directory: images, sources: [guest, imports, ...config.imageDirectories] });
  return {
    register: async (source) => {
      const { sha256, sizeBytes, virtualSizeBytes } = await store.registerFile(source);
      if (virtualSizeBytes === undefined)
        throw new StatusError("unusableImage", "The image has no virtual size.");
      return { sha256, sizeBytes, format: source.format, virtualSizeBytes };
    },
    registerPlain: async (source) => {
      const { sha256, sizeBytes } = await store.registerFile(source);
      return { sha256, sizeBytes };
    },
  };
}
