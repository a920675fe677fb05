/**
 * The fake drivers of one host. On a world that a test brings, their guests survive the restart of an agent;
 * otherwise they end with the process.
 */
import { DirectorySpace, spaceNames } from "../../process/disk-space.ts";
import type { DriverOptions, Drivers } from "../kinds.ts";
import { FakeConsoles, FakeDisks, FakeMachineFiles } from "./files.ts";
import { openFakeGuard } from "./guard.ts";
import { FakeHypervisor } from "./hypervisor.ts";
import { FakeStorageLeases } from "./storage-leases.ts";
import { FakeWorld } from "./world.ts";

/** Time from the power button to the guest's end, unless told otherwise; short, but never 0. */
const shutdownLatencyMsDefault = 5;

export function createFakeDrivers(options: Omit<DriverOptions, "ids">): Drivers {
  const { clock, startLatencyMs = 0 } = options;
  const world =
    options.world ?? new FakeWorld({ clock, startLatencyMs, shutdownLatencyMs: shutdownLatencyMsDefault });
  const disks = new FakeDisks(world);
  // A process of its own reports its real disk; in the world of a test nothing real is looked at.
  const space =
    options.world === undefined
      ? new DirectorySpace([{ of: spaceNames.state, path: options.stateDirectory }])
      : { look: async () => world.spaces };
  return {
    hypervisor: new FakeHypervisor(world),
    disks,
    storageId: world.storage?.storageId ?? null,
    ...(world.storage === undefined ? {} : { storageLeases: new FakeStorageLeases(world, world.storage) }),
    guard: () => openFakeGuard(world),
    machineFiles: new FakeMachineFiles(world),
    consoles: new FakeConsoles(world),
    space,
    audit: async () => ({
      processes: world.list().map(({ instanceId, pid }) => ({ instanceId, pid, status: "running" })),
      directories: await disks.list(),
      strays: world
        .list()
        .filter(({ instanceId }) => !world.disks.has(instanceId))
        .map(({ instanceId, pid }) => `The process ${pid} of instance ${instanceId} has no directory.`),
    }),
  };
}
