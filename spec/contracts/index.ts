/**
 * `novact/contract`: the promises of the ports as suites, for authors of drivers. Each takes a world made of
 * the author's implementation and describes its tests with the author's mocha; chai comes with the author.
 * And a world in memory for the handlers of a plug-in that extends the API.
 *
 *   import { hypervisorContract } from "novact/contract";   hypervisorContract({ name: "mine", makeBench,
 * makeSpec, timeoutMs: 10_000 });   // in a *.spec.ts
 */
/// <reference types="mocha" preserve="true" />
export type { SimulatedComputer, SimulatedHypervisor } from "../simulator/computer.ts";
export { type BusUnderTest, busContract } from "../support/bus-contract.ts";
export { type ConsolesBench, consolesContract } from "../support/consoles-contract.ts";
export {
  type DisksBench,
  disksContract,
  type MachineFilesBench,
  machineFilesContract,
  sharedDisksContract,
} from "../support/disks-contract.ts";
export { type EventSinkWorld, eventSinkContract } from "../support/event-sink-contract.ts";
export { type EventStreamUnderTest, eventStreamContract } from "../support/event-stream-contract.ts";
export {
  type CalledWith,
  type ExtensionWorld,
  type ExtensionWorldOptions,
  extensionWorld,
  type GivenCommand,
  type NotedLine,
} from "../support/extension-world.ts";
export { type GuardBench, type GuestCondition, guardContract } from "../support/guard-contract.ts";
export {
  type HypervisorBench,
  type HypervisorContract,
  hypervisorContract,
} from "../support/hypervisor-contract.ts";
export { type ImageFilesBench, imageFilesContract } from "../support/image-files-contract.ts";
export { type ImageUploadsBench, imageUploadsContract } from "../support/image-uploads-contract.ts";
export { type KeeperBench, type KeeperContract, keeperContract } from "../support/keeper-contract.ts";
export { type NetworkBench, type NetworkContract, networkContract } from "../support/network-contract.ts";
export { type PowerControlBench, powerControlContract } from "../support/power-control-contract.ts";
export { type PowerWorld, powerFenceContract } from "../support/power-fence-contract.ts";
export { type RoutingBench, type RoutingContract, routingContract } from "../support/routing-contract.ts";
export {
  type FilterCase,
  filterContract,
  hostView,
  type WeigherCase,
  weigherContract,
} from "../support/scheduler-contract.ts";
export { type StorageLeasesBench, storageLeasesContract } from "../support/storage-leases-contract.ts";
export { type VolumesBench, type VolumesContract, volumesContract } from "../support/volumes-contract.ts";
export { type DriverWorlds, driverContracts } from "./worlds.ts";
