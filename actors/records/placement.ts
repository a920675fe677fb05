/**
 * What surrounds the choice of a host: aggregates of hosts, groups of instances, quotas of projects, and
 * what a turn can do with them. A group's rule and a quota hold in the transaction of the claim (I3):
 * whatever the scheduler believed, a commit that would break one does not happen. Types only.
 */
import type { Aggregate } from "../../protocol/aggregate.ts";
import type { QuotaLimits, QuotaResource } from "../../protocol/quota.ts";
import type { ServerGroup } from "../../protocol/server-group.ts";

/** What a user wished beside size and zone; kept for whenever the instance is placed again. */
export interface InstanceHints {
  /** Ids of instances. */
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  /** An operator chose it. */
  readonly hostId?: string;
}

/** A set of hosts that operators made. A host is in one availability zone at most. */
export interface AggregateRecord extends Omit<Aggregate, "hostIds"> {
  /** In order; a turn that makes one leaves it empty. */
  readonly hostIds: readonly string[];
}

export interface AggregateOfHost {
  readonly id: string;
  readonly name: string;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ServerGroupRecord extends Omit<ServerGroup, "members"> {
  readonly id: string;
}

/** A member of a group: an instance that is not deleted. */
export interface GroupMember {
  readonly instanceId: string;
  readonly hostId: string | null;
}

/**
 * How many members of a group are on a host. One that leaves its host has none, and is still where its claim
 * is: its guest may run there until that host says that it is gone.
 */
export interface GroupHost {
  readonly hostId: string;
  readonly members: number;
}

/** Limits: null is the default of all projects, -1 is none. */
export interface QuotaRecord {
  readonly project: string;
  readonly limits: QuotaLimits;
  /** Of the instances that are not deleted; changes in the transaction that makes or deletes one. */
  readonly used: QuotaUse;
}

export interface QuotaUse {
  readonly instances: number;
  readonly vcpus: number;
  readonly memoryMib: number;
}

/** What a project's quota counts as used, beside what its instances that are not deleted add up to. */
export interface QuotaTotal {
  readonly project: string;
  readonly used: QuotaUse;
  readonly counted: QuotaUse;
}

export interface AggregateHostKey {
  readonly aggregateId: string;
  readonly hostId: string;
}

export interface AggregateChange {
  readonly aggregateId: string;
  /** Absent: stays as it is. */
  readonly availabilityZone?: string | null;
  /** Pairs to set; null takes one away. */
  readonly metadata?: Readonly<Record<string, string | null>>;
}

/** The part of a turn that is about these records. */
export interface PlacementTurn {
  readonly aggregatesRemoved?: readonly string[];
  readonly aggregates?: readonly AggregateRecord[];
  readonly aggregatesChanged?: readonly AggregateChange[];
  readonly aggregateHostsRemoved?: readonly AggregateHostKey[];
  readonly aggregateHosts?: readonly AggregateHostKey[];
  readonly serverGroupsRemoved?: readonly string[];
  readonly serverGroups?: readonly ServerGroupRecord[];
  /** Limits to set; what is not named, and what is used, stays. */
  readonly quotas?: readonly (Partial<QuotaLimits> & { readonly project: string })[];
}

export type PlacementRefusal =
  /** The claim would break the hard rule of the instance's group: choose again, with its members of now. */
  | { readonly kind: "groupRule"; readonly hostId: string; readonly groupId: string }
  | {
      readonly kind: "quotaExceeded";
      readonly resource: QuotaResource;
      readonly limit: number;
      /** Before this turn. */
      readonly used: number;
      readonly asked: number;
    }
  /** The host would be in two availability zones. */
  | { readonly kind: "zoneConflict"; readonly hostId: string };
