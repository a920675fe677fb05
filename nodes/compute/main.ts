/**
 * The compute node's process: opens the real drivers and NATS, and hands them to the assembly. It has no
 * database and may speak only as its own host; it must never decide anything.
 */
import type { HostEnding } from "../../actors/node/host/host.ts";
import { hostLimits } from "../../actors/node/host/limits.ts";
import type { Bounding, HypervisorCapabilities } from "../../actors/ports/hypervisor.ts";
import { fieldLimits } from "../../protocol/limits/fields.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { type ClusterConfig, connectionOf, type NodeConfig, statePaths } from "../config/config.ts";
import { hostIdOf } from "../config/host-id.ts";
import { readNetworkArgument } from "../config/network-choice.ts";
import { cpuFeatures, numaNodes } from "../drivers/computer-facts.ts";
import { createDrivers, type HostContext } from "../drivers/index.ts";
import type { Drivers } from "../drivers/kinds.ts";
import { readBootId } from "../drivers/process-table.ts";
import { registryWith } from "../drivers/registry.ts";
import { endLeavings } from "../drivers/user-network/leavings.ts";
import { meterBus } from "../metrics/bus.ts";
import { threadMeter } from "../metrics/thread-meter.ts";
import { ownRelease } from "../package/release.ts";
import { type Cluster, versionsOf } from "../plugins/load.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import type { ThreadMeasured } from "../process/messages.ts";
import { findGuest } from "../setup/guest/build.ts";
import { assembleCompute } from "./assembly.ts";
import { boundingText } from "./bounding-text.ts";
import { oneLine } from "./host-text.ts";
import { type OpenImageGiving, openImageGiving } from "./image-giving.ts";
import { ImageQuestions } from "./image-questions.ts";
import { computeLimits } from "./limits.ts";
import { canHotPlug, openedVolumes, saidDrivers } from "./said-drivers.ts";

/**
 * The line that the tiny guest prints when its first process runs, which is proof enough of an accelerator.
 */
const guestMarker = "NOVACT-GUEST UP";

export interface ComputeOptions extends Cluster {
  /** Name of one of the nodes in the configuration. */
  readonly nodeName: string;
  /** What `up` has chosen for a node that leaves its network driver to it. Absent: as configured. */
  readonly network?: string | undefined;
  readonly log: Log;
}

export interface RunningCompute {
  /** The counters of the node's one thread; empty when the meter is off. */
  measure(): Promise<readonly ThreadMeasured[]>;
  /** Ends the node; its guests run on, or are shut down as well. */
  stop(ending: HostEnding): Promise<void>;
  /**
   * While the node stops together with its guests: halts the guests that have not shut down by themselves.
   */
  hurry(): Promise<void>;
}

/**
 * Starts a compute node.
 * @throws StatusError when the bus or the hypervisor cannot be reached, ConfigError when the cluster was
 * never set up
 */
export async function startCompute(options: ComputeOptions): Promise<RunningCompute> {
  const { config, plugins, nodeName, log } = options;
  const node = nodeOf(config, nodeName);
  const hostId = hostIdOf(config, nodeName);
  const controllers = new ImageQuestions();
  const context = { ...contextOf(options, node, hostId), imageOrigins: controllers.ask };
  const chosen = options.network === undefined ? undefined : readNetworkArgument(options.network);
  const choices = { ...node.drivers, ...(chosen && { network: chosen }) };
  const drivers = createDrivers(choices, context, registryWith(plugins.parts));
  await endLeavings(context, drivers.names.network);
  const inventory = await inventoryOf(node, hostId, { drivers, networkWhy: chosen?.why });
  const { bounding } = await drivers.hypervisor.capabilities();
  if (bounding !== undefined) sayBounding(bounding, log);
  const { hypervisor, accelerator, acceleratorReason: reason } = inventory;
  log.info({ hostId, hypervisor, accelerator, reason }, "the node's guests run like this");
  const bus = await connectNats({ ...connectionOf(config, { host: hostId }), name: nodeName, log });
  controllers.connect({ bus, clock: systemClock, ids: context.ids, cell: config.cell, hostId });
  const { meter, measure } = threadMeter({ on: config.metrics !== undefined, log, whole: true });
  meterBus(meter, bus);
  const { cell } = config;
  const bootsMax = computeLimits.bootsPerCpu * node.capacity.vcpus;
  const imageGiving = await imageGivingOf(drivers, hostId, log);
  const ports = {
    cell,
    imageGiving,
    inventory,
    drivers,
    bus,
    clock: systemClock,
    ids: systemIds(config.deployment),
    log,
    meter,
    bootsMax,
    release: ownRelease(),
    plugins: versionsOf(plugins),
  };
  const compute = assembleCompute({ ...ports, onFailed: () => endProcess(log) });
  const hurried = Promise.withResolvers<void>();
  return {
    measure: async () => [{ thread: "main", measured: measure() }],
    stop: async (ending) => {
      // Machines wait for their guests to obey the power button; once the guests are gone there is nothing to
      // wait for.
      await Promise.race([compute.stop(ending), hurried.promise.then(() => compute.endLease())]);
      await imageGiving?.close();
      await bus.close();
    },
    hurry: async () => {
      const guests = await drivers.hypervisor.list();
      const signal = AbortSignal.timeout(hostLimits.hostHaltMs);
      await Promise.all(guests.map(({ instanceId }) => drivers.hypervisor.halt(instanceId, signal)));
      await drivers.network?.detach(true);
      hurried.resolve();
    },
  };
}

/** A host that cannot listen gets images all the same. */
async function imageGivingOf(
  { givenImages: images }: Drivers,
  hostId: string,
  log: Log,
): Promise<OpenImageGiving | undefined> {
  if (images === undefined) return undefined;
  return openImageGiving({ hostId, images, clock: systemClock, log }).catch((error: unknown) => {
    log.warn({ err: error }, "the node gives its images to no other nodes: nobody can listen");
    return undefined;
  });
}

function sayBounding(bounding: Bounding, log: Log): void {
  const { level, text } = boundingText(bounding);
  log[level]({ bounding }, text);
}

/**
 * Ends the process in the ordinary way, so that guests are detached properly; the process's keeper starts it
 * again.
 */
function endProcess(log: Log): void {
  log.error({}, "the host's actor has failed for good: the process ends");
  process.kill(process.pid, "SIGTERM");
}

function nodeOf(config: ClusterConfig, nodeName: string): NodeConfig {
  const node = config.nodes.find(({ name }) => name === nodeName);
  if (node !== undefined) return node;
  throw new StatusError("hostNotFound", `There is no node ${nodeName} in ${config.file}.`);
}

function contextOf({ config, log }: ComputeOptions, node: NodeConfig, hostId: string): HostContext {
  const paths = statePaths(config);
  const guest = findGuest(paths.guest);
  return {
    ...{ hostId, log },
    hostName: node.name,
    stateDirectory: paths.node(node.name),
    computerDirectory: config.stateDirectory,
    imageStore: paths.images,
    clock: systemClock,
    ids: systemIds(config.deployment),
    ...(guest === undefined ? {} : { probe: { ...guest, marker: guestMarker } }),
  };
}

/** It takes both: a disks driver that makes the drive, and a hypervisor that shows it to the guest. */
const makesConfigDrives = ({ disks }: Drivers, { configDrive }: HypervisorCapabilities): boolean =>
  disks.configDrives === true && configDrive === true;

/** Likewise. */
const makesLocalDisks = ({ disks }: Drivers, { localDisks }: HypervisorCapabilities): boolean =>
  disks.localDisks === true && localDisks === true;

interface Found {
  readonly drivers: Drivers;
  /** Why the network driver is that one; undefined: the configuration names it. */
  readonly networkWhy: string | undefined;
}

async function inventoryOf(
  node: NodeConfig,
  hostId: string,
  { drivers, networkWhy }: Found,
): Promise<HostInventory> {
  const [capabilities, bootId, features, numa, machineTypes, network] = await Promise.all([
    drivers.hypervisor.capabilities(),
    readBootId(),
    cpuFeatures(),
    numaNodes(),
    drivers.machineTypes?.() ?? [],
    drivers.network?.facts(),
  ]);
  const { capacity, ratios } = node;
  const hotPlug = canHotPlug(drivers.hypervisor, capabilities);
  const volumes = openedVolumes(drivers.hypervisor, capabilities, drivers.volumes);
  return {
    hostId,
    name: node.name,
    bootId,
    architecture: process.arch === "arm64" ? "aarch64" : "x86_64",
    hypervisor: capabilities.kind,
    accelerator: capabilities.accelerator,
    acceleratorReason: oneLine(capabilities.acceleratorReason),
    hypervisorVersion: oneLine(capabilities.version),
    vcpus: Math.min(Math.floor(capacity.vcpus * ratios.cpu), fieldLimits.hostVcpusMax),
    memoryMib: Math.min(Math.floor(capacity.memoryMib * ratios.ram), fieldLimits.hostMemoryMibMax),
    diskGib: Math.min(Math.floor(capacity.diskGib * ratios.disk), fieldLimits.hostDiskGibMax),
    storageId: drivers.storageId,
    labels: { ...node.labels },
    features,
    numa,
    machineTypes: [...machineTypes],
    drivers: saidDrivers(
      drivers.names,
      {
        ...{ ...capabilities, hotPlug, volumes },
        configDrive: makesConfigDrives(drivers, capabilities),
        localDisks: makesLocalDisks(drivers, capabilities),
      },
      network && { ...network, ...(networkWhy === undefined ? {} : { why: networkWhy }) },
    ),
  };
}
