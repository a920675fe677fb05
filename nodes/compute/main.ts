/**
 * The compute node's process: opens what is real (drivers, NATS) and hands it to the assembly. It has no
 * database and speaks only for itself; it must never decide anything.
 */
import { join } from "node:path";
import type { HostEnding } from "../../actors/node/host/host.ts";
import { limits } from "../../protocol/limits/limits.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { type ClusterConfig, connectionOf, hostIdOf, type NodeConfig, statePaths } from "../config/config.ts";
import { createDrivers, type Drivers } from "../drivers/index.ts";
import { cpuFeatures, numaNodes } from "../drivers/machine-facts.ts";
import { readBootId } from "../drivers/process-table.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { findGuest } from "../setup/guest/build.ts";
import { assembleCompute } from "./assembly.ts";

/**
 * What the tiny guest says when its first process runs: more does not need to be proved of an accelerator.
 */
const guestMarker = "NOVACT-GUEST UP";

export interface ComputeOptions {
  readonly config: ClusterConfig;
  /** One of the nodes in the configuration. */
  readonly nodeName: string;
  readonly log: Log;
}

export interface RunningCompute {
  /** Guests run on, or go down as well. */
  stop(ending: HostEnding): Promise<void>;
  /** While it stops with its guests: those that have not gone down by themselves are halted now. */
  hurry(): Promise<void>;
}

/**
 * @throws StatusError when the bus or the hypervisor is not there, ConfigError when the cluster was never set
 * up
 */
export async function startCompute({ config, nodeName, log }: ComputeOptions): Promise<RunningCompute> {
  const node = nodeOf(config, nodeName);
  const drivers = driversOf(config, node, log);
  const hostId = hostIdOf(config, nodeName);
  const inventory = await inventoryOf(node, hostId, drivers);
  const { hypervisor, accelerator, acceleratorReason: reason } = inventory;
  log.info({ hostId, hypervisor, accelerator, reason }, "the node's guests run like this");
  const bus = await connectNats({ ...connectionOf(config, { host: hostId }), name: nodeName, log });
  const { cell } = config;
  const bootsMax = limits.bootsPerCpu * node.capacity.vcpus;
  const ports = { cell, inventory, drivers, bus, clock: systemClock, ids: systemIds, log, bootsMax };
  const compute = assembleCompute({ ...ports, onFailed: () => endProcess(log) });
  const hurried = Promise.withResolvers<void>();
  return {
    stop: async (ending) => {
      // Machines wait for their guests' answer to the power button; once those are gone there is none to wait
      // for.
      await Promise.race([compute.stop(ending), hurried.promise.then(() => compute.endLease())]);
      await bus.close();
    },
    hurry: async () => {
      const guests = await drivers.hypervisor.list();
      const signal = AbortSignal.timeout(limits.hostHaltMs);
      await Promise.all(guests.map(({ instanceId }) => drivers.hypervisor.halt(instanceId, signal)));
      hurried.resolve();
    },
  };
}

/** In the ordinary way, so that guests are let go of properly; whoever keeps the process starts it again. */
function endProcess(log: Log): void {
  log.error({}, "the host's actor has failed for good: the process ends");
  process.kill(process.pid, "SIGTERM");
}

function nodeOf(config: ClusterConfig, nodeName: string): NodeConfig {
  const node = config.nodes.find(({ name }) => name === nodeName);
  if (node !== undefined) return node;
  throw new StatusError("hostNotFound", `There is no node ${nodeName} in ${config.file}.`);
}

function driversOf(config: ClusterConfig, node: NodeConfig, log: Log): Drivers {
  const paths = statePaths(config);
  const guest = findGuest(paths.guest);
  return createDrivers(node.hypervisor, {
    stateDirectory: paths.node(node.name),
    imageStore: paths.images,
    clock: systemClock,
    log,
    ...(node.sharedDirectory === undefined ? {} : { sharedDirectory: node.sharedDirectory }),
    accelerator: node.accelerator,
    acceleratorCache: join(config.stateDirectory, "accelerator.json"),
    ...(guest === undefined ? {} : { probe: { ...guest, marker: guestMarker } }),
  });
}

async function inventoryOf(node: NodeConfig, hostId: string, drivers: Drivers): Promise<HostInventory> {
  const [capabilities, bootId, features, numa, machineTypes] = await Promise.all([
    drivers.hypervisor.capabilities(),
    readBootId(),
    cpuFeatures(),
    numaNodes(),
    drivers.machineTypes?.() ?? [],
  ]);
  const { capacity, ratios } = node;
  return {
    hostId,
    name: node.name,
    bootId,
    architecture: process.arch === "arm64" ? "aarch64" : "x86_64",
    hypervisor: capabilities.kind,
    accelerator: capabilities.accelerator,
    acceleratorReason: capabilities.acceleratorReason,
    hypervisorVersion: capabilities.version,
    vcpus: Math.floor(capacity.vcpus * ratios.cpu),
    memoryMib: Math.floor(capacity.memoryMib * ratios.ram),
    diskGib: Math.floor(capacity.diskGib * ratios.disk),
    storageId: drivers.storageId,
    labels: { ...node.labels },
    features,
    numa,
    machineTypes: [...machineTypes],
  };
}
