/**
 * The store, as the actors see it: one way to commit, and what can be read. PostgreSQL and the memory of the
 * simulator implement it and pass one contract suite. Types only.
 */
import type { Event } from "../../protocol/event.ts";
import type { Observation } from "../../protocol/machine.ts";
import type { NumaUse } from "../../protocol/numa.ts";
import type { OperationState } from "../../protocol/states.ts";
import type { FlavorRecord, ImageRecord } from "../records/catalog.ts";
import type { CommitResult, RequestRecord, Turn } from "../records/commit.ts";
import type { HostRecord } from "../records/host.ts";
import type {
  InstanceRecord,
  LoadedInstance,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../records/instance.ts";
import type {
  AggregateRecord,
  GroupHost,
  GroupMember,
  QuotaRecord,
  QuotaTotal,
  ServerGroupRecord,
} from "../records/placement.ts";

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
