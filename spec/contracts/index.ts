/**
 * `novact/contract`: the promises of the ports as suites, for authors of drivers. Each takes a world made of
 * the author's implementation and describes its tests with the author's mocha; chai comes with the author.
 *
 *   import { hypervisorContract } from "novact/contract";
 *   hypervisorContract({ name: "mine", makeBench, makeSpec, timeoutMs: 10_000 });   // in a *.spec.ts
 */
/// <reference types="mocha" preserve="true" />
export { type BusUnderTest, busContract } from "../support/bus-contract.ts";
export { type DisksBench, disksContract, sharedDisksContract } from "../support/disks-contract.ts";
export { type EventStreamUnderTest, eventStreamContract } from "../support/event-stream-contract.ts";
export { type GuardBench, type GuestCondition, guardContract } from "../support/guard-contract.ts";
export {
  type HypervisorBench,
  type HypervisorContract,
  hypervisorContract,
} from "../support/hypervisor-contract.ts";
export { type PowerWorld, powerFenceContract } from "../support/power-fence-contract.ts";
export { type StorageLeasesBench, storageLeasesContract } from "../support/storage-leases-contract.ts";
