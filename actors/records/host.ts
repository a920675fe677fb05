/**
 * The record of a host: what it offers, what is claimed of it, its host lease, and whether the scheduler may
 * choose it. Types only.
 */
import type { FenceProof } from "../../protocol/fence.ts";
import type { HostDrivers } from "../../protocol/host-drivers.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import type { NumaNode, NumaUse } from "../../protocol/numa.ts";
import type { OperationRecord } from "./instance.ts";
import type { AggregateOfHost } from "./placement.ts";

export interface HostRecord extends Omit<HostInventory, "hostId" | keyof HostFeatures>, HostFeatures {
  readonly id: string;
  /** Given by the store when the host registers; none is given twice. */
  readonly number: number;
  /**
   * Raised by one with every commit of the host's actor, and whenever the three fields below change: the
   * guard against a second actor of the same host. A host begins with the time of its registration, so that
   * one that comes back never has a version of its former life.
   */
  readonly version: number;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  /** Set while the host is drained; enabling the host ends the drain. */
  readonly draining: Draining | null;
  /**
   * Sums of the claims; only a commit changes them, under a CHECK against the capacity (I3). Disks on a
   * storage that hosts share are none of `diskGibClaimed`: they are counted there.
   */
  readonly vcpusClaimed: number;
  readonly memoryMibClaimed: number;
  readonly diskGibClaimed: number;
  /** The storage that its guests' disks are on, joined on read; null: the host's own. */
  readonly storage: SharedStorage | null;
  readonly instances: number;
  /** CPUs that guests have to themselves, a part of `vcpusClaimed`. */
  readonly pinnedCpus: number;
  /**
   * What claims take of each NUMA node, by its position in `numa`; trailing nodes without claims may be
   * missing.
   */
  readonly numaClaimed: readonly NumaUse[];
  /**
   * Builds that failed in a row by the host's own fault; a build that ends in a running guest resets it to 0.
   */
  readonly failedBuilds: number;
  /**
   * Projects and images of these builds, at most two of each: one that all have in common may be the cause.
   * Null: none failed.
   */
  readonly failedBuildsOf: FailedBuildsOf | null;
  /** Raised by every change of the inventory. */
  readonly generation: number;
  /** Instances being built on it; counted on read. */
  readonly ioOps: number;
  /** In order of their ids; joined on read. */
  readonly aggregates: readonly AggregateOfHost[];
  readonly registeredAtMs: number;
  readonly lastSeenAtMs: number;
  /** Null: the host was granted no host lease yet; its registration grants the first one. */
  readonly lease: HostLease | null;
}

/** Room on a storage that hosts share: one ledger, whichever host the instances are on. */
export interface SharedStorage {
  /** As large as the largest word of the storage's hosts. */
  readonly diskGib: number;
  /** The sum over the disks of instances that are on it. */
  readonly diskGibClaimed: number;
}

export interface FailedBuildsOf {
  readonly projects: readonly string[];
  /** Ids. */
  readonly images: readonly string[];
}

export interface Draining {
  readonly atMs: number;
  /** How many instances may be leaving at once. */
  readonly parallelism: number;
  /** Number of instances on the host when the drain began. */
  readonly instances: number;
  /** Their ids; absent when they were too many to remember (hostLimits.drainRememberedMax). */
  readonly instanceIds?: readonly string[];
  /** The operation that ends with the drain. Absent: a controller from before there were any has begun it. */
  readonly operationId?: string;
}

/** Everything that the actor of a host needs to begin. */
export interface LoadedHost {
  readonly host: HostRecord;
  /** Those of the host that are under way, oldest first. */
  readonly operations: readonly OperationRecord[];
}

/**
 * The host lease: a host's right to run guests that other hosts may take over. Renewals are counted, not
 * dated: whoever judges the lease watches the count on its own monotonic clock, so that no wall clock is
 * trusted, not even PostgreSQL's.
 */
export interface HostLease {
  /** The lease epoch: raised by every grant after a fence. */
  readonly leaseEpoch: number;
  readonly renewals: number;
  /**
   * How many renewals in a row have said that the agent and all its guests hold the storage lease, and on
   * which storage. Null: the last renewal did not say so.
   */
  readonly storage: { readonly id: string; readonly renewals: number } | null;
  /** Set by the fence: nothing is renewed any more, and guests may be taken over. */
  readonly fencedBy: FenceProof | null;
}

/** What a host reports of itself for filters to match. */
export interface HostFeatures {
  readonly labels: Readonly<Record<string, string>>;
  readonly features: readonly string[];
  readonly machineTypes: readonly string[];
  readonly numa: readonly NumaNode[];
  readonly storageId: string | null;
  /** Null: the host's agent is of before, and nothing is known of them. */
  readonly drivers: HostDrivers | null;
}
