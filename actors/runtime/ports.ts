/**
 * The world, as the actors see it: every clock, store, bus, hypervisor and disk is one of these ports.
 * Production, the tests and the simulator run the same actors behind other implementations; each port has a
 * contract suite in spec/support that all of them pass. Interfaces only: this file must never contain
 * behaviour.
 */
import type { Event } from "../../protocol/event.ts";
import type { MachineSpec, Observation, SharedDisk } from "../../protocol/machine.ts";
import type { NumaUse } from "../../protocol/numa.ts";
import type { OperationState } from "../../protocol/states.ts";
import type {
  AggregateRecord,
  GroupHost,
  GroupMember,
  QuotaRecord,
  QuotaTotal,
  ServerGroupRecord,
} from "./placement-records.ts";
import type {
  CommitResult,
  FlavorRecord,
  HostRecord,
  ImageRecord,
  InstanceRecord,
  LoadedInstance,
  MachineKey,
  MachineRecord,
  OperationRecord,
  RequestRecord,
  Turn,
} from "./records.ts";

/** These belong to the protocol, which may import nothing from here; see there. */
export type {
  Bus,
  BusHandler,
  BusMessage,
  BusSubscription,
  Clock,
  Ids,
  Log,
  Timer,
} from "../../protocol/wire/transport.ts";

export interface PageQuery {
  readonly limit: number;
  /** The last id of the page before. */
  readonly marker?: string;
}

export interface InstanceQuery extends PageQuery {
  /** Absent: of every project. */
  readonly project?: string;
  readonly name?: string;
  readonly state?: string;
  readonly hostId?: string;
  /** All of these pairs. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deleted?: boolean;
}

export interface InstanceRow {
  readonly instance: InstanceRecord;
  /** Of the instance's present epoch. */
  readonly machine: MachineRecord | undefined;
}

export interface Whereabouts extends Pick<InstanceRecord, "hostId" | "desired"> {
  readonly instanceId: string;
}

export interface LeaseKey {
  readonly hostId: string;
  readonly epoch: number;
}

export interface Renewal extends LeaseKey {
  /** Of the storage whose lease is held, as HostLease has it; null: none. */
  readonly storageId: string | null;
}

/** Sums of the claim rows of one host. */
export interface ClaimTotal {
  readonly hostId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  readonly instances: number;
  readonly pinnedCpus: number;
  readonly numaClaimed: readonly NumaUse[];
}

export interface EventQuery {
  readonly after: number;
  readonly limit: number;
  readonly project?: string;
  readonly noun?: string;
  readonly id?: string;
}

export interface EventPage {
  readonly events: readonly Event[];
  /** Everything up to this sequence number was looked at. */
  readonly last: number;
  /** Everything up to this sequence number is no longer kept. */
  readonly trimmed: number;
}

/**
 * PostgreSQL, or the memory store. Reads see every commit that was acknowledged before. @throws UNAVAILABLE
 * storeUnavailable
 */
export interface Store {
  /**
   * Applies a turn durably: when it resolves, the change survives the loss of every process (I4). Turns of
   * one process that wait at the same time share one transaction; each still succeeds or fails alone.
   * @throws RESOURCE_EXHAUSTED commitQueueFull; UNAVAILABLE storeUnavailable (may have been committed: load
   * and look)
   */
  commit(turn: Turn): Promise<CommitResult>;

  loadInstance(id: string): Promise<LoadedInstance | undefined>;
  getInstance(id: string): Promise<InstanceRow | undefined>;
  /** Ordered by id, that is by time of creation. */
  listInstances(query: InstanceQuery): Promise<readonly InstanceRow[]>;
  /** Ids of instances that are not settled or have an operation under way; after `marker`, in order of id. */
  listUnsettled(query: PageQuery): Promise<readonly string[]>;
  /** Of these instances, those that are not deleted; in order of id. */
  whereabouts(ids: readonly string[]): Promise<readonly Whereabouts[]>;
  /** Ids of instances that have a claim or machine on a host. */
  listOnHost(hostId: string): Promise<readonly string[]>;

  /**
   * Those of a host's observations that say nothing new: its claim is there, and its machine is stored just
   * so. Whatever decides about them decides nothing.
   */
  listStored(hostId: string, observations: readonly Observation[]): Promise<readonly MachineKey[]>;

  getOperation(id: string): Promise<OperationRecord | undefined>;
  listOperations(
    query: PageQuery & { project?: string; instanceId?: string; state?: OperationState },
  ): Promise<readonly OperationRecord[]>;

  getRequest(project: string, requestId: string): Promise<RequestRecord | undefined>;

  listEvents(query: EventQuery): Promise<EventPage>;
  /** The newest sequence number; 0 before the first event. */
  lastSequence(): Promise<number>;

  /** By id or by name. */
  getFlavor(key: string): Promise<FlavorRecord | undefined>;
  listFlavors(query: PageQuery): Promise<readonly FlavorRecord[]>;
  getImage(key: string): Promise<ImageRecord | undefined>;
  listImages(query: PageQuery): Promise<readonly ImageRecord[]>;
  getHost(hostId: string): Promise<HostRecord | undefined>;
  /** The one of this id; else those of this name, in order of their ids, and no more than can be listed. */
  hostsCalled(key: string): Promise<readonly HostRecord[]>;
  listHosts(query: PageQuery): Promise<readonly HostRecord[]>;
  /**
   * Every host, in order of id, with the lease as it is now. For who reads them again and again: only what
   * has changed since the last call is read anew.
   */
  allHosts(): Promise<readonly HostRecord[]>;
  /** Remembers that hosts were heard from; answers the ids that are registered. Not an event, not a turn. */
  touchHosts(hostIds: readonly string[], atMs: number): Promise<readonly string[]>;
  /**
   * Counts a renewal of each lease that is held with this epoch, durably, for each host once; answers
   * the hosts whose lease it was. Not an event, not a turn.
   */
  renewLeases(renewals: readonly Renewal[]): Promise<readonly string[]>;
  /**
   * Ids of instances that may start elsewhere because their host is fenced, those of the highest priority
   * first; at most so many less what is under way already.
   */
  listToRecover(atOnceMax: number): Promise<readonly string[]>;

  /** By id or by name. */
  getAggregate(key: string): Promise<AggregateRecord | undefined>;
  listAggregates(query: PageQuery): Promise<readonly AggregateRecord[]>;
  /** Names of zones that an aggregate has, in order; with `name` that one, if there is one. */
  listZones(query: { readonly name?: string; readonly limit: number }): Promise<readonly string[]>;
  /** By id or by name, of one project; absent: an id, of any project. */
  getServerGroup(key: string, project?: string): Promise<ServerGroupRecord | undefined>;
  listServerGroups(query: PageQuery & { project?: string }): Promise<readonly ServerGroupRecord[]>;
  /** Instances of the group that are not deleted, in order of their ids; at most so many. */
  listGroupMembers(groupId: string, limit: number): Promise<readonly GroupMember[]>;
  /** Where its members are, all but this instance; in order of the hosts' ids. */
  listGroupHosts(groupId: string, except?: string): Promise<readonly GroupHost[]>;
  /** Of a project, or of `everyProject`: the default. Who is not known has no limit and uses nothing. */
  getQuota(project: string): Promise<QuotaRecord>;

  /** Sums, for the doctor: claims by host as the claim rows have it. */
  claimTotals(): Promise<readonly ClaimTotal[]>;

  /**
   * For the doctor: of every project that has a quota or instances, both at the same moment, in order of
   * their names.
   */
  quotaTotals(): Promise<readonly QuotaTotal[]>;

  /** Removes what is older than its time to be kept (limits.ts); answers how many rows went. */
  prune(nowMs: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Where committed events are published in order. It may lose everything at any time: it is refilled from the
 * store.
 */
export interface EventStream {
  /** The sequence number of the newest event in it; 0 when it is empty or was lost. */
  lastSequence(): Promise<number>;
  /**
   * In order, the first directly after `lastSequence`; doing it twice is harmless. Answers the newest event
   * in it then; undefined when somebody else was faster, or it was lost: ask for it again.
   */
  publish(events: readonly Event[]): Promise<number | undefined>;
}

export interface HypervisorCapabilities {
  readonly kind: string;
  /** `kvm`, `tcg` or `none`. */
  readonly accelerator: string;
  readonly acceleratorReason: string;
  readonly version: string;
}

export type GuestStatus = "running" | "paused" | "shutdown" | "panicked";

/** A living process of a guest, ours beyond doubt. */
export interface Guest {
  readonly instanceId: string;
  readonly epoch: number;
  readonly pid: number;
  readonly status: GuestStatus;
  readonly startedAtMs: number;
}

/** What a guest's process does by itself. `lost`: it is gone without being asked. */
export type GuestEvent =
  | { readonly kind: "paused" | "resumed" | "shutdown" | "reset" | "panicked"; readonly instanceId: string }
  | { readonly kind: "lost"; readonly instanceId: string };

/**
 * Runs guests. Every verb is idempotent, ends when its work is proved (not when it was sent), and ends early
 * with an AbortError when its signal is aborted. @throws StatusError guestFailed, hypervisorRefused,
 * diskFull, imageMissing
 */
export interface Hypervisor {
  capabilities(): Promise<HypervisorCapabilities>;
  /**
   * The guest's process exists and its CPUs run when this resolves. A living process of the same instance and
   * epoch is taken over (adopted) instead; one of an older epoch is halted first.
   */
  start(spec: MachineSpec, paths: GuestPaths, signal: AbortSignal): Promise<Guest>;
  /** Every living guest of this host, adopted: with control over it. Called at start of the agent. */
  list(): Promise<readonly Guest[]>;
  /** The living guest, or undefined. */
  inspect(instanceId: string): Promise<Guest | undefined>;
  pause(instanceId: string, signal: AbortSignal): Promise<void>;
  resume(instanceId: string, signal: AbortSignal): Promise<void>;
  /**
   * Presses the power button; resolves when it was pressed. The guest's answer comes as a `shutdown` event,
   * or never.
   */
  pressPowerButton(instanceId: string, signal: AbortSignal): Promise<void>;
  /** Like the reset button; the guest runs again when this resolves. */
  reset(instanceId: string, signal: AbortSignal): Promise<void>;
  /** The process is gone when this resolves. */
  halt(instanceId: string, signal: AbortSignal): Promise<void>;
  onEvent(listener: (event: GuestEvent) => void): void;
  /** Lets go of every guest without touching it: the agent ends, guests run on. */
  detach(): Promise<void>;
}

/** Where a guest's files are on its host. */
export interface GuestPaths {
  readonly directory: string;
  /** Absent when the image has no disk. */
  readonly disk: string | undefined;
  /**
   * The disk is written past the page cache: what a process had written when it was stopped is on the storage
   * then, and is not written back some time later. Absent: false.
   */
  readonly direct?: boolean;
  /** The image below the disk. Absent: it is in the host's own cache. */
  readonly base?: string | undefined;
  readonly kernel: string | undefined;
  readonly ramdisk: string | undefined;
}

/**
 * Root disks and the cache of base images. Every verb is idempotent. @throws diskFull, imageMissing,
 * checksumMismatch, diskMissing, staleEpoch
 */
export interface Disks {
  /**
   * Makes what is missing of the guest's directory, cached image and overlay; keeps an existing overlay. With
   * `takesOverDisk` the disk of the highest lower epoch becomes this epoch's, and no longer has its old name;
   * where there is none it fails, and makes nothing.
   */
  ensure(spec: MachineSpec, signal: AbortSignal): Promise<GuestPaths>;
  /**
   * Removes the guest's directory and everything in it, as far as it is of this epoch or one before. Absent:
   * of the epoch that this host has. The cached image stays, and so does the disk of a later epoch.
   */
  release(instanceId: string, epoch?: number, options?: ReleaseOptions): Promise<void>;
  /** Instance ids that have a directory, with the names of their files. */
  list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]>;
  /**
   * All disks on the storage that this host shares with others, whoever has them, in order of instance and
   * epoch; none when it shares no storage.
   */
  listShared(): Promise<readonly SharedDisk[]>;
  /**
   * Removes from the shared storage the instance's disks of this epoch and of those before it. This host's
   * own directories stay.
   */
  releaseShared(instanceId: string, epoch: number): Promise<void>;
}

export interface ReleaseOptions {
  /** What is on the shared storage is the next owner's. */
  readonly keepDisk: boolean;
}

/**
 * The guard of this host: it stops every guest that another host may take over when the deadline has passed,
 * also when whoever extends it is dead or stuck.
 */
export interface Guard {
  /**
   * Resolves when the guard holds at least this deadline, and whoever it has stopped and may run goes on.
   * Monotonic, as the Clock has it; it never holds one that is further than limits.leaseTtlMs from now.
   * @throws Error when the guard has ended or does not answer: then the lease must not be relied on
   */
  extend(deadlineMs: number): Promise<void>;
  /** False from the moment that it is known to have ended or not to answer; it stays false. */
  readonly alive: boolean;
  /** Called once when it is no longer alive, at once when it is not; not after close or end. */
  onEnd(listener: () => void): void;
  /** Lets go of it: it goes on guarding. */
  close(): Promise<void>;
  /** Ends it. @throws Error, and it goes on, while a guest lives that it has to guard */
  end(): Promise<void>;
}

/** A small file per machine, so that an agent that starts knows what it had. Durable when it resolves. */
export interface MachineFiles {
  write(instanceId: string, content: Readonly<Record<string, unknown>>): Promise<void>;
  remove(instanceId: string): Promise<void>;
  /** Unreadable files are answered with content undefined. */
  readAll(): Promise<readonly { readonly instanceId: string; readonly content: unknown }[]>;
}

export interface ConsolePage {
  readonly text: string;
  readonly offset: number;
  readonly nextOffset: number;
  readonly more: boolean;
}

/**
 * The serial consoles' logs: positions are bytes since the guest's first byte and never change, also when the
 * log was trimmed.
 */
export interface Consoles {
  /** Undefined when there is no log. */
  read(instanceId: string, from: { offset?: number; tailLines?: number }): Promise<ConsolePage | undefined>;
  /** Trims every log to limits.consoleLogBytesMax. */
  trim(): Promise<void>;
}

/** The controller of a host's power said that the host is off, and went on saying so. */
export interface PowerProof {
  readonly kind: "redfish" | "ipmi";
  /** Where the controller is. Never a user or a password. */
  readonly at: string;
  /** What it said last, in its own words. */
  readonly said: string;
  /** From the call until this was proved. */
  readonly tookMs: number;
}

/**
 * Switches hosts off from outside, by the controllers of their power (BMCs). Whoever has a proof may give
 * what ran on the host to another one (I9); an order that was accepted proves nothing.
 */
export interface PowerFence {
  /**
   * Switches the host off and resolves with what the controller of its power said when it is proved off.
   * Idempotent: a host that is off already stays so. Ends early with an AbortError when its signal is
   * aborted; the host may be off then. @throws StatusError powerControlMissing, powerControlRefused,
   * powerControlUntrusted (nothing was switched); powerControlFailed, powerNotOff (may have been)
   */
  off(hostName: string, signal: AbortSignal): Promise<PowerProof>;
  /** Whether the host has a controller of its power that we know. */
  has(hostName: string): boolean;
}
