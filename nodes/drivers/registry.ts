/**
 * novact's own drivers by kind and name. A new driver is a folder, its facts in built-in.ts, and a line
 * here; whoever opens drivers gets them with those of plug-ins.
 */
import { bridgeNetwork } from "./bridge-network/index.ts";
import type { builtInDrivers } from "./built-in.ts";
import { fakeDisks, fakeHypervisor } from "./fake/index.ts";
import { fakeNetwork } from "./fake/network.ts";
import { fakeVolumes } from "./fake/volumes.ts";
import { filesDisks } from "./files/index.ts";
import type { DriverRegistry } from "./kinds.ts";
import { qemuHypervisor } from "./qemu/index.ts";
import { userNetwork } from "./user-network/index.ts";
import { volumeFiles } from "./volumes/index.ts";

/** Every driver with facts in built-in.ts has an implementation. */
type Complete = {
  readonly [Kind in keyof DriverRegistry]: Record<keyof (typeof builtInDrivers)[Kind], unknown>;
};

export const builtInRegistry = {
  hypervisors: { qemu: qemuHypervisor, fake: fakeHypervisor },
  disks: { files: filesDisks, fake: fakeDisks },
  networks: { user: userNetwork, bridge: bridgeNetwork, fake: fakeNetwork },
  volumes: { files: volumeFiles, fake: fakeVolumes },
} as const satisfies DriverRegistry & Complete;

/** Our own drivers, and others, whose names differ from ours. */
export const registryWith = (others: DriverRegistry): DriverRegistry => ({
  hypervisors: { ...builtInRegistry.hypervisors, ...others.hypervisors },
  disks: { ...builtInRegistry.disks, ...others.disks },
  networks: { ...builtInRegistry.networks, ...others.networks },
  volumes: { ...builtInRegistry.volumes, ...others.volumes },
});
