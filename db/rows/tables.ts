/** The tables of the store in memory, and their keys. */

import type { FlavorRecord, ImageRecord } from "../../actors/records/catalog.ts";
import type { Commit, CommitResult, RequestRecord } from "../../actors/records/commit.ts";
import type { HostRecord } from "../../actors/records/host.ts";
import type {
  ClaimRecord,
  InstanceRecord,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "../../actors/records/instance.ts";
import type {
  AggregateHostKey,
  AggregateRecord,
  QuotaRecord,
  ServerGroupRecord,
} from "../../actors/records/placement.ts";
import type { Event } from "../../protocol/event.ts";
import { type Journal, Table } from "./table.ts";

/** A host's row, without the fields that are counted or joined on read. */
export type StoredHost = Omit<HostRecord, "ioOps" | "aggregates">;

export class Tables {
  readonly instances = new Table<InstanceRecord>();
  readonly machines = new Table<MachineRecord>();
  readonly claims = new Table<ClaimRecord>();
  readonly operations = new Table<OperationRecord>();
  readonly requests = new Table<RequestRecord>();
  readonly hosts = new Table<StoredHost>();
  /** Host leases of removed hosts: a host that comes back goes on from its lease epoch. */
  readonly leasesKept = new Table<NonNullable<HostRecord["lease"]>>();
  readonly flavors = new Table<FlavorRecord>();
  readonly images = new Table<ImageRecord>();
  readonly aggregates = new Table<Omit<AggregateRecord, "hostIds">>();
  readonly aggregateHosts = new Table<AggregateHostKey>();
  readonly serverGroups = new Table<ServerGroupRecord>();
  readonly quotas = new Table<QuotaRecord>();
  /** Event number n is at n - trimmed - 1. */
  readonly events: Event[] = [];
  trimmed = 0;

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
}

/** Sorts like the number does, for numbers below 10^16. */
export const machineKey = ({ instanceId, ownerEpoch }: MachineKey): string =>
  `${instanceId} ${String(ownerEpoch).padStart(16, "0")}`;
export const requestKey = (project: string, requestId: string): string => `${project} ${requestId}`;
export const aggregateHostKey = ({ aggregateId, hostId }: AggregateHostKey): string =>
  `${aggregateId} ${hostId}`;
