/**
 * `novact/plugin`: what somebody needs who writes a driver, a filter or a weigher for novact in another
 * repository. Types of the ports, and the few values that belong to them; the names, one by one.
 *
 * Nothing loads a plug-in yet: what is here is what an implementation has to be, and `novact/contract` holds
 * the suites that it has to pass.
 */
export { type Static, type TSchema, Type } from "@sinclair/typebox";
export type {
  Clock,
  ConsolePage,
  Consoles,
  Disks,
  Guard,
  Guest,
  GuestEvent,
  GuestPaths,
  Hypervisor,
  HypervisorCapabilities,
  Ids,
  Log,
  MachineFiles,
  PowerFence,
  PowerProof,
  ReleaseOptions,
  Timer,
} from "../../actors/runtime/ports.ts";
export type { StorageLeaseState, StorageLeases } from "../../actors/runtime/storage-leases.ts";
export {
  type Check,
  efforts,
  type Filter,
  type HostFilter,
  type Members,
  type Refusal,
  type Refuse,
  type RequestFilter,
  type TimedRequest,
} from "../../actors/scheduler/filters/filter.ts";
export type { Amounts, GroupPolicy, PlacementRequest } from "../../actors/scheduler/messages.ts";
export type { HostView } from "../../actors/scheduler/state.ts";
export {
  type FreeWeigher,
  type GroupWeigher,
  type HostWeigher,
  saturating,
  type Weigher,
} from "../../actors/scheduler/weighers/weigher.ts";
export type { MachineSpec, SharedDisk } from "../../protocol/machine.ts";
export { type Reason, StatusError } from "../../protocol/status.ts";
