/**
 * `novact/plugin`: what somebody needs who writes a driver, a filter or a weigher for novact in another
 * repository. Types of the ports, and the few values that belong to them; the names, one by one.
 *
 * Nothing loads a plug-in yet: what is here is what an implementation has to be, and `novact/contract` holds
 * the suites that it has to pass.
 */
export { type Static, type TSchema, Type } from "@sinclair/typebox";
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
} from "../../actors/control/scheduler/filters/filter.ts";
export type { Amounts, GroupPolicy, PlacementRequest } from "../../actors/control/scheduler/messages.ts";
export type { HostView } from "../../actors/control/scheduler/state.ts";
export {
  type FreeWeigher,
  type GroupWeigher,
  type HostWeigher,
  saturating,
  type Weigher,
} from "../../actors/control/scheduler/weighers/weigher.ts";
export type { ConsolePage, Consoles } from "../../actors/ports/consoles.ts";
export type { Disks, ReleaseOptions } from "../../actors/ports/disks.ts";
export type { EventStream } from "../../actors/ports/event-stream.ts";
export type { Guard } from "../../actors/ports/guard.ts";
export type {
  Guest,
  GuestEvent,
  GuestPaths,
  Hypervisor,
  HypervisorCapabilities,
} from "../../actors/ports/hypervisor.ts";
export type { MachineFiles } from "../../actors/ports/machine-files.ts";
export type { PowerFence, PowerProof } from "../../actors/ports/power.ts";
export type { StorageLeaseState, StorageLeases } from "../../actors/ports/storage-leases.ts";
export type { MachineSpec, SharedDisk } from "../../protocol/machine.ts";
export { type Reason, StatusError } from "../../protocol/wire/status.ts";
export type { Clock, Ids, Log, Timer } from "../../protocol/wire/transport.ts";
