/**
 * The records behind the choice of a host: aggregates of hosts, groups of instances, quotas of projects, and
 * what a commit can do with them. A group's rule and a quota are judged in the transaction of the claim (I3):
 * whatever the scheduler believed, a commit that would break one does not happen. Types only.
 */
import type { Aggregate } from "../../protocol/aggregate.ts";
import type { QuotaLimits, QuotaResource } from "../../protocol/quota.ts";
import type { ServerGroup } from "../../protocol/server-group.ts";

/** Placement hints beside size and zone; kept for every later placement of the instance. */
export interface InstanceHints {
  /** Ids of instances. */
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  /** The host that an operator chose. */
  readonly hostId?: string;
}

/** A set of hosts that operators made. A host is in one availability zone at most. */
export interface AggregateRecord extends Omit<Aggregate, "hostIds"> {
  /** In order; empty in the commit that makes the aggregate. */
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
 * How many members of a group are on a host. A member that is leaving its host has no `hostId`, but still
 * counts where its claim is: its guest may run there until that host says that it is gone.
 */
export interface GroupHost {
  readonly hostId: string;
  readonly members: number;
}

/**
 * A project's quota, or the default of all projects. A limit of null: the default applies; of -1: no limit.
 */
export interface QuotaRecord {
  readonly project: string;
  readonly limits: QuotaLimits;
  /** Sum over the instances that are not deleted; changes in the transaction that makes or deletes one. */
  readonly used: QuotaUse;
}

export interface QuotaUse {
  readonly instances: number;
  readonly vcpus: number;
  readonly memoryMib: number;
}

/** `used`: what the project's quota row says; `counted`: the sum over its instances that are not deleted. */
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
  /** Pairs to set; a value of null removes the key. */
  readonly metadata?: Readonly<Record<string, string | null>>;
}

/** The part of a commit that is about these records. */
export interface PlacementChanges {
  readonly aggregatesRemoved?: readonly string[];
  readonly aggregates?: readonly AggregateRecord[];
  readonly aggregatesChanged?: readonly AggregateChange[];
  readonly aggregateHostsRemoved?: readonly AggregateHostKey[];
  readonly aggregateHosts?: readonly AggregateHostKey[];
  readonly serverGroupsRemoved?: readonly string[];
  readonly serverGroups?: readonly ServerGroupRecord[];
  /** How many groups these projects may have after the commit; `groupsFull` when one has more. */
  readonly serverGroupsCounted?: readonly { readonly project: string; readonly most: number }[];
  /** Limits to set; limits that are not named, and `used`, stay. */
  readonly quotas?: readonly (Partial<QuotaLimits> & { readonly project: string })[];
}

export type PlacementRefusal =
  /** The project would have more server groups than it may. */
  | { readonly kind: "groupsFull"; readonly project: string; readonly most: number }
  /**
   * The claim would break the hard rule of the instance's group: choose again, with the group's members as
   * they are now.
   */
  | { readonly kind: "groupRule"; readonly hostId: string; readonly groupId: string }
  | {
      readonly kind: "quotaExceeded";
      readonly resource: QuotaResource;
      readonly limit: number;
      /** Before this commit. */
      readonly used: number;
      readonly asked: number;
    }
  /** The host would be in two availability zones. */
  | { readonly kind: "zoneConflict"; readonly hostId: string };
