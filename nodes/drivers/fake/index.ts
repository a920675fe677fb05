/**
 * The fake drivers of one host. On a world that a test brings, their guests survive the restart of an agent;
 * otherwise they end with the process.
 */
import type { Keeper } from "../../../actors/ports/keeper.ts";
import { DirectorySpace, spaceNames } from "../../process/disk-space.ts";
import { diskKeeper } from "../disk-keeper.ts";
import { findingsOf } from "../findings.ts";
import type { DisksDriver, DisksPart, Drivers, HypervisorDriver, HypervisorPart } from "../kinds.ts";
import { fakeFacts, fakeHypervisorFacts } from "./facts.ts";
import { FakeConsoles, FakeDisks, FakeMachineFiles } from "./files.ts";
import { openFakeGuard } from "./guard.ts";
import { FakeHypervisor } from "./hypervisor.ts";
import { FakeNetwork } from "./network.ts";
import { FakeStorageLeases } from "./storage-leases.ts";
import { FakeVolumes } from "./volumes.ts";
import { FakeWorld } from "./world.ts";

/** Time from the power button to the guest's end, unless told otherwise; short, but never 0. */
const shutdownLatencyMs = 5;

export const fakeDisks: DisksDriver<typeof fakeFacts.options> = {
  ...fakeFacts,
  open: ({ clock, stateDirectory }) => ({
    ...disksPart(new FakeWorld({ clock, shutdownLatencyMs })),
    // A process of its own reports its real disk.
    space: new DirectorySpace([{ of: spaceNames.state, path: stateDirectory }]),
  }),
};

export const fakeHypervisor: HypervisorDriver<typeof fakeHypervisorFacts.options> = {
  ...fakeHypervisorFacts,
  open({ clock, disks: { disks } }, { startLatencyMs = 0 }) {
    const world = disks instanceof FakeDisks ? disks.world : new FakeWorld({ clock, shutdownLatencyMs });
    return hypervisorPart(world, startLatencyMs);
  },
};

function disksPart(world: FakeWorld): DisksPart {
  const { storage } = world;
  const disks = new FakeDisks(world);
  return {
    ...{ disks, storageId: storage?.storageId ?? null, keepers: [diskKeeper(disks)] },
    ...(storage === undefined ? {} : { storageLeases: () => new FakeStorageLeases(world, storage) }),
    // In the world of a test nothing real is looked at.
    space: { look: async () => world.spaces },
  };
}

function hypervisorPart(world: FakeWorld, startLatencyMs: number): HypervisorPart {
  const hypervisor = new FakeHypervisor(world, startLatencyMs);
  return {
    hypervisor,
    consoles: new FakeConsoles(world),
    guard: () => openFakeGuard(world),
    machineFiles: new FakeMachineFiles(world),
    keepers: [processKeeper(world, hypervisor)],
    strays: async () =>
      world
        .list()
        .filter(({ instanceId }) => !world.disks.has(instanceId))
        .map(({ instanceId, pid }) => `The process ${pid} of instance ${instanceId} has no directory.`),
  };
}

const processKeeper = (world: FakeWorld, hypervisor: FakeHypervisor): Keeper => ({
  kind: "process",
  list: async () =>
    world.list().map(({ instanceId, ownerEpoch, pid }) => ({
      ...{ instanceId, ownerEpoch, what: `process ${pid}`, process: { pid, status: "running" } },
    })),
  release: async ({ instanceId, what }, signal) => {
    if (`process ${world.find(instanceId)?.pid}` === what) await hypervisor.halt(instanceId, signal);
  },
});

/** All drivers of a host on the world of a test. */
export function createFakeDrivers({ world }: { readonly world: FakeWorld }): Drivers {
  const { storageLeases, ...ofDisks } = disksPart(world);
  const { strays, ...ofHypervisor } = hypervisorPart(world, 0);
  const network = new FakeNetwork(world.ports);
  const volumes = world.pools.map((pool) => new FakeVolumes(pool, world));
  const keepers = [...ofHypervisor.keepers, ...ofDisks.keepers, network, ...volumes];
  return {
    // The world of a test outlives the agents on it.
    ...{ ...ofDisks, ...ofHypervisor, network, volumes, keepers, keepsDisks: true },
    names: { hypervisor: "fake", disks: "fake", network: "fake", volumes: "fake" },
    machineFiles: new FakeMachineFiles(world),
    ...(storageLeases === undefined ? {} : { storageLeases: storageLeases(async () => false) }),
    audit: () => findingsOf(keepers, [strays]),
  };
}
