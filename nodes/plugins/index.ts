/**
 * `novact/plugin`: what somebody needs who writes a plug-in for novact in another repository: definePlugin,
 * types of the ports, and the few values that belong to them; the names, one by one. What an implementation
 * has to do is in the suites of `novact/contract`.
 */
export { type Static, type TSchema, Type } from "@sinclair/typebox";
export {
  type Acting,
  type ExtensionActions,
  type ExtensionFacts,
  type ExtensionService,
  type ExtensionTools,
  extensionService,
  type FactsInput,
  hostActions,
  instanceActions,
  type Outcome,
} from "../../actors/control/extensions/definition.ts";
export { rowChanged, rowMade, rowRemoved } from "../../actors/control/request/row-changes.ts";
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
export type { EventSink } from "../../actors/ports/event-sink.ts";
export type { EventStream } from "../../actors/ports/event-stream.ts";
export type { Guard } from "../../actors/ports/guard.ts";
export type {
  AttachedVolume,
  DetachOptions,
  Guest,
  GuestEvent,
  GuestPaths,
  GuestVolume,
  Hypervisor,
  HypervisorCapabilities,
  VolumeName,
} from "../../actors/ports/hypervisor.ts";
export type { Holding, Keeper } from "../../actors/ports/keeper.ts";
export type { MachineFiles } from "../../actors/ports/machine-files.ts";
export type {
  KeptPorts,
  Macvtap,
  Network,
  NetworkDevice,
  NetworkFacts,
  PortSpec,
  Stream,
  Tap,
} from "../../actors/ports/network.ts";
export type { PowerFence, PowerProof } from "../../actors/ports/power.ts";
export type { StorageLeaseState, StorageLeases } from "../../actors/ports/storage-leases.ts";
export type {
  BlockDevice,
  KeptVolume,
  OpenVolumes,
  VolumeSource,
  VolumeStorage,
  VolumeStorageFacts,
  VolumeUsage,
  VolumeUse,
  WantedVolume,
} from "../../actors/ports/volumes.ts";
export type { Event } from "../../protocol/event.ts";
export type { Host } from "../../protocol/host.ts";
export type { Instance } from "../../protocol/instance.ts";
export type { MachineSpec, SharedDisk } from "../../protocol/machine.ts";
export type { FarPicture, GroupPicture, HostNetworking, NetworkPicture } from "../../protocol/networking.ts";
export type { Reason } from "../../protocol/wire/reasons.ts";
export {
  changed,
  kept,
  made,
  type Resource,
  type ResourceDefinition,
  type ResourceOf,
  type ResourceRow,
  type RowOf,
  resource,
  type ShownOf,
} from "../../protocol/wire/resource.ts";
export {
  answer,
  Count,
  Id,
  Label,
  literals,
  Name,
  nullable,
  request,
  Sentence,
  TimeMs,
} from "../../protocol/wire/schema.ts";
export { type CallContext, type Method, method, type Service, service } from "../../protocol/wire/service.ts";
export { type PluginReason, StatusError } from "../../protocol/wire/status.ts";
export type { Clock, Ids, Log, Timer } from "../../protocol/wire/transport.ts";
export type {
  DisksDriver,
  DisksPart,
  DriverContext,
  HypervisorContext,
  HypervisorDriver,
  HypervisorPart,
  NetworkDriver,
  VolumesDriver,
} from "../drivers/kinds.ts";
export type { PowerReading } from "../fence/control.ts";
export type { DriverControl, PowerContext, PowerDriver } from "../fence/kinds.ts";
export type { SinkContext, SinkDriver } from "../sinks/kinds.ts";
export {
  definePlugin,
  type Named,
  type PluginDefinition,
  type PluginParts,
  pluginApi,
} from "./definition.ts";
