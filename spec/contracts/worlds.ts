/**
 * The worlds that a package brings for the contracts of its drivers, by kind and name as in cluster.yaml, and
 * its drivers' fakes for the simulation; and the suites, all at once: for the package's own specs, and for
 * `novact plugin check`.
 */
/// <reference types="mocha" preserve="true" />
import type { SimulatedHypervisor } from "../simulator/computer.ts";
import { type DisksBench, disksContract } from "../support/disks-contract.ts";
import { type EventSinkWorld, eventSinkContract } from "../support/event-sink-contract.ts";
import { type HypervisorContract, hypervisorContract } from "../support/hypervisor-contract.ts";
import { type KeeperContract, keeperContract } from "../support/keeper-contract.ts";
import { type NetworkContract, networkContract } from "../support/network-contract.ts";
import { type PowerControlBench, powerControlContract } from "../support/power-control-contract.ts";
import { type VolumesContract, volumesContract } from "../support/volumes-contract.ts";

type ByName<T> = Readonly<Record<string, T>>;

export interface DriverWorlds {
  readonly hypervisors?: ByName<HypervisorContract>;
  readonly disks?: ByName<() => Promise<DisksBench>>;
  readonly networks?: ByName<NetworkContract>;
  readonly volumes?: ByName<VolumesContract>;
  readonly sinks?: ByName<() => Promise<EventSinkWorld>>;
  readonly power?: ByName<() => Promise<PowerControlBench>>;
  /** By the keeper's kind. */
  readonly keepers?: ByName<KeeperContract>;
  /** The drivers' own logic on a simulated computer: no file, no process, no clock but the computer's. */
  readonly simulated?: { readonly hypervisors?: ByName<SimulatedHypervisor> };
}

/** Describes the tests of all drivers that have a world. To be called where mocha reads specs. */
export function driverContracts(worlds: DriverWorlds): void {
  const { hypervisors = {}, disks = {}, networks = {}, volumes = {}, keepers = {} } = worlds;
  const { sinks = {}, power = {} } = worlds;
  for (const world of Object.values(hypervisors)) hypervisorContract(world);
  for (const [name, makeBench] of Object.entries(disks)) disksContract(name, makeBench);
  for (const world of Object.values(networks)) networkContract(world);
  for (const world of Object.values(volumes)) volumesContract(world);
  for (const [name, world] of Object.entries(sinks)) eventSinkContract(name, world);
  for (const [name, makeBench] of Object.entries(power)) powerControlContract(name, makeBench);
  for (const world of Object.values(keepers)) keeperContract(world);
}
