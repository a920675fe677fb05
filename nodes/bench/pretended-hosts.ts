/**
 * Many compute agents in one process, each on a pretended computer of its own:
 * `pretended-hosts.ts CONFIG COUNT`. Every agent is the real one (it registers, sends heartbeats, renews its
 * host lease, opens a guard, builds guests). The agents share the process and a few connections to NATS under
 * the controllers' name, which may speak for any host. Never for a cluster that anybody relies on.
 */
import { setTimeout as pause } from "node:timers/promises";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import { partyOf } from "../../protocol/wire/subjects.ts";
import type { Bus, Log } from "../../protocol/wire/transport.ts";
import { connectNats } from "../bus/nats.ts";
import { controllerUser, hostUser, inboxPrefixOf } from "../bus/users.ts";
import { assembleCompute, type Compute } from "../compute/assembly.ts";
import { computeLimits } from "../compute/limits.ts";
import { type ClusterConfig, connectionOf, loadConfig } from "../config/config.ts";
import { builtInDrivers, pretendingHypervisor } from "../drivers/built-in.ts";
import { cpuFeatures } from "../drivers/computer-facts.ts";
import { createDrivers } from "../drivers/index.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { type ChildMessage, isShutdown } from "../process/messages.ts";

const connections = 4;
/** Capacity of an ordinary computer, times the ratios: their capacity is never measured. */
const capacity = { vcpus: 512, memoryMib: 65_536, diskGib: 4_096 };
/** A log for thousands of agents, which would only report how busy this process is. */
const silent = () => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

/** The drivers of a node that names its hypervisor and nothing more. */
const pretended = {
  hypervisor: { driver: pretendingHypervisor, options: {} },
  disks: { driver: builtInDrivers.hypervisors[pretendingHypervisor].disks, options: {} },
  ...{ network: undefined, volumes: undefined },
};

const hostIdAt = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;

const inventoryAt = (index: number, features: string[]): HostInventory => ({
  hostId: hostIdAt(index),
  name: `pretended-${index}`,
  bootId: `boot-${index}`,
  architecture: "x86_64",
  hypervisor: pretendingHypervisor,
  accelerator: "none",
  acceleratorReason: "only pretends",
  hypervisorVersion: "1",
  ...capacity,
  labels: { rack: `r${index % 40}` },
  features,
  numa: [],
  machineTypes: [],
  storageId: null,
});

function agent(bus: Bus, { cell, inventory }: { cell: string; inventory: HostInventory }): Compute {
  const clock = systemClock;
  const { hostId, name: hostName } = inventory;
  const nowhere = { stateDirectory: "", computerDirectory: "", imageStore: "" };
  const drivers = createDrivers(pretended, { ...nowhere, hostId, hostName, clock, ids, log });
  const bootsMax = computeLimits.bootsPerCpu * capacity.vcpus;
  return assembleCompute({ cell, inventory, drivers, bus, clock, ids, log, bootsMax });
}

/** Starts the agents, their heartbeats spread over one period, as those of independent computers are. */
async function start(config: ClusterConfig, count: number, buses: readonly Bus[]): Promise<Compute[]> {
  const features = await cpuFeatures();
  const startMs = performance.now();
  const agents: Compute[] = [];
  for (let index = 0; index < count; index += 1) {
    const dueMs = startMs + (index * leaseLimits.heartbeatPeriodMs) / count;
    if (performance.now() < dueMs) await pause(dueMs - performance.now());
    const bus = buses[index % buses.length];
    if (bus !== undefined) agents.push(agent(bus, { ...config, inventory: inventoryAt(index, features) }));
  }
  return agents;
}

const ids = systemIds(0);
const tell = (message: ChildMessage): unknown => process.send?.(message);
const [file = "", count = "0"] = process.argv.slice(2);
const config = loadConfig(file);
const credentials = connectionOf(config, controllerUser);
/** A report is answered at its host's own inbox only. */
const inboxPrefixFor = (subject: string) => inboxPrefixOf(hostUser(partyOf(subject)?.party ?? ""));
const buses = await Promise.all(
  Array.from({ length: connections }, (_, index) =>
    connectNats({ ...credentials, name: `pretended-hosts-${index}`, inboxPrefixFor, log }),
  ),
);
const agents = await start(config, Number(count), buses);
process.on("disconnect", () => process.exit(0));
process.on("message", async (message) => {
  if (!isShutdown(message)) return;
  await Promise.all(agents.map((one) => one.stop({ guests: false })));
  await Promise.all(buses.map((bus) => bus.close()));
  process.exit(0);
});
tell({ kind: "ready" });
