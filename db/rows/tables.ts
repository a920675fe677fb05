/** The tables of the store in memory, and their keys. */

import type { Commit, CommitResult, RequestRecord } from "../../actors/records/commit.ts";
import type { HostRecord, SharedStorage } from "../../actors/records/host.ts";
import type {
  ClaimRecord,
  GuestDataRecord,
  InstanceRecord,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../../actors/records/instance.ts";
import type { AggregateHostKey, QuotaUse } from "../../actors/records/placement.ts";
import type { Event } from "../../protocol/event.ts";
import type { Resource, ResourceRow, RowOf } from "../../protocol/wire/resource.ts";
import { type Journal, Table } from "./table.ts";

/** A quota's row: limits that are set, and what instances use. */
export interface StoredQuota {
  readonly project: string;
  readonly limits: Readonly<Record<string, number | null>>;
  readonly used: QuotaUse;
}

interface ResourceTable {
  readonly resource: Resource;
  readonly rows: Table<ResourceRow>;
}

/** A host's row, without the fields that are counted or joined on read. */
export type StoredHost = Omit<HostRecord, "ioOps" | "aggregates" | "storage">;

/** A storage that hosts share. */
export interface StoredStorage extends SharedStorage {
  readonly id: string;
}

export class Tables {
  readonly instances = new Table<InstanceRecord>();
  /** By the ids of instances that are not deleted. */
  readonly guestData = new Table<GuestDataRecord>();
  readonly machines = new Table<MachineRecord>();
  readonly claims = new Table<ClaimRecord>();
  readonly operations = new Table<OperationRecord>();
  readonly requests = new Table<RequestRecord>();
  readonly hosts = new Table<StoredHost>();
  readonly storages = new Table<StoredStorage>();
  /** Host leases of removed hosts: a host that comes back goes on from its lease epoch. */
  readonly leasesKept = new Table<NonNullable<HostRecord["lease"]>>();
  /** The rows of resources, by the name of the table. */
  readonly resources = new Map<string, ResourceTable>();
  readonly #numbers = new Map<string, number>();
  readonly aggregateHosts = new Table<AggregateHostKey>();
  /** Limits and sums; how many there are of a resource is counted when it is asked for. */
  readonly quotas = new Table<StoredQuota>();
  /** Event number n is at n - trimmed - 1. */
  readonly events: Event[] = [];
  trimmed = 0;

  /** The table of a resource; made when it is asked for. */
  anyRowsOf(resource: Resource): Table<ResourceRow> {
    const rows = this.resources.get(resource.table)?.rows ?? new Table<ResourceRow>();
    this.resources.set(resource.table, { resource, rows });
    return rows;
  }

  /** The same, with the fields of this resource. */
  rowsOf<R extends Resource>(resource: R): Table<RowOf<R> & ResourceRow> {
    return this.anyRowsOf(resource) as Table<RowOf<R> & ResourceRow>;
  }

  /** As a sequence of PostgreSQL has them for this table: never twice, and not again after a refusal. */
  nextNumber(table: string): number {
    const number = (this.#numbers.get(table) ?? 0) + 1;
    this.#numbers.set(table, number);
    return number;
  }

  get lastSequence(): number {
    return this.trimmed + this.events.length;
  }
}

export type Refusal = Exclude<CommitResult, { kind: "committed" }>;

/** A commit that is being applied. */
export interface Work {
  readonly tables: Tables;
  readonly commit: Commit;
  readonly journal: Journal;
  readonly nowMs: number;
  /**
   * The zones of the hosts whose aggregates the commit changes, as they were before, by host; undefined: it
   * changes none.
   */
  readonly zones: ReadonlyMap<string, string> | undefined;
}

/** Sorts like the number does, for numbers below 10^16. */
export const machineKey = ({ instanceId, ownerEpoch }: MachineKey): string =>
  `${instanceId} ${String(ownerEpoch).padStart(16, "0")}`;
export const requestKey = (project: string, requestId: string): string => `${project} ${requestId}`;
export const aggregateHostKey = ({ aggregateId, hostId }: AggregateHostKey): string =>
  `${aggregateId} ${hostId}`;
