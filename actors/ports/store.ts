/**
 * The store, as the actors see it: one way to commit, and what can be read. PostgreSQL and the memory of the
 * simulator implement it and pass one contract suite. Types only.
 */
import type { Event } from "../../protocol/event.ts";
import type { NumaUse } from "../../protocol/numa.ts";
import type { OperationNoun } from "../../protocol/states.ts";
import type { Commit, CommitResult, Rehearsed, RequestRecord } from "../records/commit.ts";
import type { HostRecord } from "../records/host.ts";
import type {
  InstanceRecord,
  LoadedInstance,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../records/instance.ts";
import type { GroupHost, GroupMember, QuotaRecord, QuotaTotal } from "../records/placement.ts";
import type { PageQuery, RowReads } from "./rows.ts";

/** A page in one of two orders; the marker is the last id of the page before in the same order. */
export interface OrderedQuery extends PageQuery {
  /** Absent: `oldest`. */
  readonly order?: "oldest" | "newest";
}

/**
 * One page of a list with filters. A filter that no index serves looks at a bounded part of the list: such a
 * page may have few rows, or none, and more may come behind its marker.
 */
export interface Page<T> {
  readonly rows: readonly T[];
  /** Where the next page begins. Absent: nothing comes behind these rows. */
  readonly marker?: string;
}

/** What passes every filter that is given; a list of values passes what has any of them. */
export interface InstanceQuery extends OrderedQuery {
  /** Absent: of every project. */
  readonly project?: string;
  readonly ids?: readonly string[];
  readonly names?: readonly string[] | undefined;
  /** As in the request: `*`, `?` and `\` have a meaning. */
  readonly namePattern?: string;
  readonly states?: readonly string[] | undefined;
  readonly hostIds?: readonly string[] | undefined;
  /** Ids or names, as the instance has them. */
  readonly flavors?: readonly string[];
  readonly images?: readonly string[];
  readonly serverGroupIds?: readonly string[] | undefined;
  /** Pairs of metadata; an instance must have all. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly createdAfterMs?: number;
  readonly createdBeforeMs?: number;
  readonly changedSinceMs?: number;
  readonly deleted?: boolean;
  readonly locked?: boolean;
}

export interface OperationQuery extends OrderedQuery {
  /** Absent: of every project. */
  readonly project?: string;
  readonly noun?: OperationNoun | undefined;
  readonly entityIds?: readonly string[] | undefined;
  readonly states?: readonly string[] | undefined;
  readonly kinds?: readonly string[];
  readonly sinceMs?: number;
}

export interface OperationRow {
  readonly operation: OperationRecord;
  /** The present name of its instance; null: it is of another noun, or no row of the instance is left. */
  readonly instanceName: string | null;
}

export interface InstanceRow {
  readonly instance: InstanceRecord;
  /** The machine of the instance's present owner epoch. */
  readonly machine: MachineRecord | undefined;
}

export interface Whereabouts extends Pick<InstanceRecord, "hostId" | "desired"> {
  readonly instanceId: string;
}

export interface LeaseKey {
  readonly hostId: string;
  readonly leaseEpoch: number;
}

export interface Renewal extends LeaseKey {
  /** The storage whose storage lease is held, as in HostLease; null: none. */
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
  /** Absent: `oldest`. */
  readonly order?: "oldest" | "newest";
  /** Only events before this number; with the order `newest` alone. */
  readonly before?: number;
  readonly project?: string;
  readonly nouns?: readonly string[] | undefined;
  readonly id?: string | undefined;
  readonly names?: readonly string[] | undefined;
  /** Of this time or later. Events far before it are passed over without a look. */
  readonly sinceMs?: number | undefined;
}

export interface EventPage {
  readonly events: readonly Event[];
  /**
   * Everything up to this sequence number was read: the next query begins after it. With the order `newest`
   * the newest number.
   */
  readonly last: number;
  /** With the order `newest`: everything from this number on was read. Absent: there is nothing before it. */
  readonly nextBefore?: number;
  /** Everything up to this sequence number is no longer kept. */
  readonly trimmed: number;
}

/** A machine that a host may report, as it is stored. */
export interface ReportedMachine extends MachineKey {
  /** The host that has the claim of this owner epoch; null: nobody has. */
  readonly claimedBy: string | null;
  /** Null: no observation of this owner epoch is stored. */
  readonly seen: Pick<MachineRecord, "generation" | "state"> | null;
}

/** The one writer of commits, as it is shown to people who debug. */
export interface WriterPicture {
  /** Commits in its queue. */
  readonly waiting: number;
  /** Commits in the batch under way; 0: none is. */
  readonly writing: number;
  /** For how long that batch has been under way. */
  readonly writingMs: number;
}

/**
 * PostgreSQL, or the memory store. Reads see every commit that was acknowledged before. @throws UNAVAILABLE
 * storeUnavailable
 */
export interface Store extends RowReads {
  /**
   * Applies a commit durably: when it resolves, the change survives the loss of every process (I4). Commits
   * of one process that wait at the same time share one transaction; each still succeeds or fails alone.
   * @throws RESOURCE_EXHAUSTED commitQueueFull; UNAVAILABLE storeUnavailable (may have been committed: load
   * and look)
   */
  commit(commit: Commit): Promise<CommitResult>;

  /**
   * What `commit` would answer now, by the same rules: everything is done and taken back. Nothing is changed,
   * and nothing is promised. @throws UNAVAILABLE storeUnavailable
   */
  rehearse(commit: Commit): Promise<Rehearsed>;

  loadInstance(id: string): Promise<LoadedInstance | undefined>;
  getInstance(id: string): Promise<InstanceRow | undefined>;
  /** Ordered by id, that is by time of creation. */
  listInstances(query: InstanceQuery): Promise<Page<InstanceRow>>;
  /** Ids of instances that are not settled or have an operation under way; after `marker`, in order of id. */
  listUnsettled(query: PageQuery): Promise<readonly string[]>;
  /** The instances among `ids` that are not deleted; in order of id. */
  whereabouts(ids: readonly string[]): Promise<readonly Whereabouts[]>;
  /** Ids of instances that have a claim or machine on a host. */
  listOnHost(hostId: string): Promise<readonly string[]>;

  /**
   * What is stored of these machines, in no order, each once; those of instances that do not exist are left
   * out. One read, however many they are.
   */
  listReported(keys: readonly MachineKey[]): Promise<readonly ReportedMachine[]>;

  getOperation(id: string): Promise<OperationRow | undefined>;
  listOperations(query: OperationQuery): Promise<Page<OperationRow>>;

  /** The operations among `ids` that have ended, in any order. */
  listEndedOperations(ids: readonly string[]): Promise<readonly OperationRecord[]>;

  getRequest(project: string, requestId: string): Promise<RequestRecord | undefined>;

  listEvents(query: EventQuery): Promise<EventPage>;
  /** The newest sequence number; 0 before the first event. */
  lastSequence(): Promise<number>;

  getHost(hostId: string): Promise<HostRecord | undefined>;
  /** Ids of hosts that are drained or have an operation under way; after `marker`, in order of id. */
  listHostsAtWork(query: PageQuery): Promise<readonly string[]>;
  /** The host with this id; else the hosts with this name, in order of id, at most a page of them. */
  hostsCalled(key: string): Promise<readonly HostRecord[]>;
  listHosts(query: PageQuery): Promise<readonly HostRecord[]>;
  /**
   * Every host, in order of id, with its present host lease. Made for callers that read again and again: only
   * hosts that changed since the last call are read anew.
   */
  allHosts(): Promise<readonly HostRecord[]>;
  /** Stores that hosts were heard from; answers the ids that are registered. Not an event, not a commit. */
  touchHosts(hostIds: readonly string[], atMs: number): Promise<readonly string[]>;
  /**
   * Counts one renewal for each host lease that is held with this lease epoch, durably, once for each host;
   * answers the ids of these hosts. Not an event, not a commit.
   */
  renewLeases(renewals: readonly Renewal[]): Promise<readonly string[]>;
  /**
   * Ids of instances that may start elsewhere because their host is fenced, highest priority first; at most
   * `atOnceMax` less the recoveries that are under way already.
   */
  listToRecover(atOnceMax: number): Promise<readonly string[]>;

  /** The hosts of each of these aggregates that has any, in order of host id. */
  aggregateHosts(aggregateIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
  /** Names of the availability zones of aggregates, in order; with `name` only this zone, if it exists. */
  listZones(query: { readonly name?: string; readonly limit: number }): Promise<readonly string[]>;
  /** Members of the group that are not deleted, in order of id; at most `limit`. */
  listGroupMembers(groupId: string, limit: number): Promise<readonly GroupMember[]>;
  /** The hosts of the group's members, without the instance `except`; in order of host id. */
  listGroupHosts(groupId: string, except?: string): Promise<readonly GroupHost[]>;
  /**
   * The quota of a project, or of `everyProject`: the default. An unknown project has no limit and uses
   * nothing.
   */
  getQuota(project: string): Promise<QuotaRecord>;

  /** For the doctor: sums of the claim rows, by host. */
  claimTotals(): Promise<readonly ClaimTotal[]>;

  /**
   * For the doctor: every project that has a quota or instances, in order of name; both sums of one project
   * are from the same moment.
   */
  quotaTotals(): Promise<readonly QuotaTotal[]>;

  /** Removes rows that are older than their retention (the limits of the store); answers how many. */
  prune(nowMs: number): Promise<number>;
  close(): Promise<void>;
}
