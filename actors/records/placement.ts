/**
 * The records behind the choice of a host: aggregates of hosts, groups of instances, quotas of projects, and
 * what a commit can do with them. A group's rule and a quota are judged in the transaction of the claim (I3):
 * whatever the scheduler believed, a commit that would break one does not happen. Types only.
 */
import type { QuotaLimits, QuotaResource } from "../../protocol/quota.ts";

/** Placement hints beside size and zone; kept for every later placement of the instance. */
export interface InstanceHints {
  /** Ids of instances. */
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  /** The host that an operator chose. */
  readonly hostId?: string;
}

export interface AggregateOfHost {
  readonly id: string;
  readonly name: string;
  readonly availabilityZone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
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
  readonly limits: Omit<QuotaLimits, "extensions">;
  /**
   * Sums over the instances that are not deleted, which change in the transaction that makes or deletes one;
   * and how many there are of each resource that has a limit.
   */
  readonly used: Readonly<Record<QuotaResource, number>>;
  /** Limits that are set for resources of plug-ins, by their names in quotas. Absent: none is. */
  readonly extensions?: ExtensionLimits;
}

/** By name, such as `acme.maintenanceWindows`; null: the default holds. */
export type ExtensionLimits = Readonly<Record<string, number | null>>;

export type QuotaChange = Partial<Omit<QuotaLimits, "extensions">> & {
  readonly project: string;
  readonly extensions?: ExtensionLimits;
};

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

/** The part of a commit that is about these records. */
export interface PlacementChanges {
  readonly aggregateHostsRemoved?: readonly AggregateHostKey[];
  readonly aggregateHosts?: readonly AggregateHostKey[];
  /** Limits to set; limits that are not named, and `used`, stay. */
  readonly quotas?: readonly QuotaChange[];
}

export type PlacementRefusal =
  /**
   * The claim would break the hard rule of the instance's group: choose again, with the group's members as
   * they are now.
   */
  | { readonly kind: "groupRule"; readonly hostId: string; readonly groupId: string }
  | {
      readonly kind: "quotaExceeded";
      /** One of `quotaResources`, or the name of a plug-in's resource in quotas. */
      readonly resource: string;
      readonly limit: number;
      /** Before this commit. */
      readonly used: number;
      readonly asked: number;
    }
  /** The host would be in two availability zones. */
  | { readonly kind: "zoneConflict"; readonly hostId: string }
  /**
   * Hosts would leave a zone that instances on them have asked for; or the zone would have no host any more,
   * and instances look for one there.
   */
  | {
      readonly kind: "zoneInUse";
      readonly zone: string;
      /** How many instances, and the ids of the first of them, at most ten. */
      readonly count: number;
      readonly instanceIds: readonly string[];
    };
