/**
 * What is remembered of a host: what it offers, what is claimed of it, its lease, and whether it may be
 * chosen. Types only.
 */
import type { FenceProof } from "../../protocol/fence.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import type { NumaNode, NumaUse } from "../../protocol/numa.ts";
import type { AggregateOfHost } from "./placement.ts";

export interface HostRecord extends Omit<HostInventory, "hostId" | keyof SaidOfHost>, SaidOfHost {
  readonly id: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  /** What is on it shall go elsewhere; ended by enabling it. */
  readonly draining: Draining | null;
  /** Sums of the claims; only a commit changes them, under a CHECK against the capacity (I3). */
  readonly vcpusClaimed: number;
  readonly memoryMibClaimed: number;
  readonly diskGibClaimed: number;
  readonly instances: number;
  /** CPUs that guests have to themselves, a part of `vcpusClaimed`. */
  readonly pinnedCpus: number;
  /** What claims take of each cell, by its position in `numa`; the last ones may be missing. */
  readonly numaClaimed: readonly NumaUse[];
  /** Builds that failed in a row by the host's own fault; a build that comes to run sets it back. */
  readonly failedBuilds: number;
  /** Whose these were, at most two of each: what all have in common may be the cause. Null: none failed. */
  readonly failedBuildsOf: FailedBuildsOf | null;
  /** Raised by every change of the inventory. */
  readonly generation: number;
  /** Instances on it with a running build; counted when it is read. */
  readonly ioOps: number;
  /** In order of their ids; put together when it is read. */
  readonly aggregates: readonly AggregateOfHost[];
  readonly registeredAtMs: number;
  readonly lastSeenAtMs: number;
  /** Null: it never asked for one (an agent of an older version). */
  readonly lease: HostLease | null;
}

export interface FailedBuildsOf {
  readonly projects: readonly string[];
  /** Ids. */
  readonly images: readonly string[];
}

export interface Draining {
  readonly atMs: number;
  /** So many instances leave at once. */
  readonly parallelism: number;
  /** That were on it when it began. */
  readonly instances: number;
  /** Which these were; absent when they were too many to remember (limits.drainRememberedMax). */
  readonly instanceIds?: readonly string[];
}

/**
 * A host's right to run guests that others may take over. Renewals are counted, not dated: who judges the
 * lease watches the count on its own monotonic clock, so that no wall clock is trusted, not even
 * PostgreSQL's.
 */
export interface HostLease {
  /** Raised by every grant after a fence. */
  readonly epoch: number;
  readonly renewals: number;
  /**
   * The last renewals said that all who could write to this shared storage hold the host's lease there, so
   * many of them in a row. Null: the last one did not.
   */
  readonly storage: { readonly id: string; readonly renewals: number } | null;
  /** Set by the fence: nothing is renewed any more, and guests may be taken over. */
  readonly fencedBy: FenceProof | null;
}

/** What a host says about itself for its choice; of older agents, which do not, it is empty. */
export interface SaidOfHost {
  readonly labels: Readonly<Record<string, string>>;
  readonly features: readonly string[];
  readonly machineTypes: readonly string[];
  readonly numa: readonly NumaNode[];
  readonly storageId: string | null;
}
