/**
 * What is remembered: the records of PostgreSQL as the actors see them, and the one way to change them, a
 * {@link Turn}. What surrounds the choice of a host (aggregates, groups, quotas) is in placement-records.ts.
 *
 * Each record has one writer (I1): `instance` and `operation` the instance actor (guarded by `version`),
 * `machine` the host (guarded by its epoch and generation, relayed by the instance actor), `claim` the
 * instance actor under the host's capacity CHECK. Times are wall-clock milliseconds; only deadlines of
 * operations, which are seconds long, are compared with them.
 */
import type { Event } from "../../protocol/event.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import type { Flavor } from "../../protocol/flavor.ts";
import type { Image } from "../../protocol/image.ts";
import type { HostInventory, MachineIntent, MachineSpec, Observation } from "../../protocol/machine.ts";
import type { NumaPlacement, NumaUse } from "../../protocol/numa.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { DesiredPower, InstanceState, RecoveryPolicy } from "../../protocol/states.ts";
import type { ErrorBody } from "../../protocol/status.ts";
import type {
  AggregateOfHost,
  InstanceHints,
  PlacementRefusal,
  PlacementTurn,
  SaidOfHost,
} from "./placement-records.ts";

export interface InstanceRecord {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  /**
   * Raised by one with every commit that touches the row: the guard against a second actor of the same
   * instance.
   */
  readonly version: number;
  /** Raised by every accepted command; what a host compares. */
  readonly generation: number;
  readonly desired: DesiredPower;
  readonly stop: MachineIntent["stop"];
  readonly resetCount: number;
  readonly resetMode: MachineIntent["resetMode"];
  readonly startCount: number;
  /** A guest of this instance was seen running once. */
  readonly built: boolean;
  /**
   * What a user sees while the host is alive; kept so that lists can be filtered. Always
   * externalState(intent, machine).
   */
  readonly state: InstanceState;
  /** Nothing is left to do, here or on any host. The reconciler looks only at rows where this is false. */
  readonly settled: boolean;
  readonly flavor: {
    readonly id: string;
    readonly name: string;
    readonly vcpus: number;
    readonly memoryMib: number;
    readonly diskGib: number;
    /** Absent in instances that are older than the field. */
    readonly extraSpecs?: Readonly<Record<string, string>>;
  };
  readonly image: MachineSpec["image"] & { readonly name: string; readonly properties: Image["properties"] };
  readonly metadata: Readonly<Record<string, string>>;
  readonly macAddress: string;
  /** What becomes of it when its host is lost; among many, those of higher priority go first. */
  readonly recovery: { readonly policy: RecoveryPolicy; readonly priority: number };
  /** The shared storage that its disk is in: hosts with the same one can open it. Null: its host's own. */
  readonly storageId: string | null;
  /**
   * Another host may take it over when its own is fenced. Derived; kept so that those that may can be found.
   */
  readonly movable: boolean;
  /** The owner; null before the first placement and when everything is gone. */
  readonly hostId: string | null;
  /** Raised with every change of owner. 0: never placed. */
  readonly epoch: number;
  /** Hosts tried for this build, this one included. */
  readonly attempt: number;
  readonly excludedHosts: readonly { readonly hostId: string; readonly reason: string }[];
  /** Member of this server group until it is deleted. */
  readonly serverGroupId: string | null;
  /** As it was asked for; null: any. */
  readonly availabilityZone: string | null;
  readonly hints: InstanceHints | null;
  /** The operation under way. */
  readonly operationId: string | null;
  readonly failure: ErrorBody | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly deletedAtMs: number | null;
}

/** One machine of an instance on one host. There are two only while an older epoch is being cleared away. */
export interface MachineRecord extends Observation {
  readonly hostId: string;
}

/**
 * What an instance takes of a host. Held until that host said `gone` for that epoch. Key: (instanceId,
 * epoch).
 */
export interface ClaimRecord {
  readonly instanceId: string;
  readonly epoch: number;
  readonly hostId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  /**
   * The epoch of the host's lease that it was made under; a commit refuses one that is not held. 0: the host
   * has no lease.
   */
  readonly leaseEpoch: number;
  /** What it takes of the host's cells. Null: its flavor asks for nothing of the kind, as most do. */
  readonly numa: NumaPlacement | null;
}

export type OperationRecord = Operation;
export type FlavorRecord = Flavor;
export type ImageRecord = Image;

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

/** An accepted command, by its idempotency key (I5). Key: (project, requestId). */
export interface RequestRecord {
  readonly project: string;
  readonly requestId: string;
  /** Hash of method, target and content: the same id with another hash is ALREADY_EXISTS. */
  readonly contentHash: string;
  /** The answer as it was given; a repetition is answered with exactly this. */
  readonly answer: unknown;
  readonly atMs: number;
}

/** An event before the commit gives it its number. */
export type NewEvent = Omit<Event, "sequence">;

/** All that one decision changes. All of it happens, or none of it. */
export interface Turn extends PlacementTurn {
  /** Inserted first; when it exists already the result is `duplicate` and nothing else happens. */
  readonly request?: RequestRecord;
  /** `expectedVersion` 0: the row must not exist. */
  readonly instances?: readonly { readonly expectedVersion: number; readonly row: InstanceRecord }[];
  /**
   * Written over an older observation of the same epoch. Only together with the instance's row, which guards
   * it.
   */
  readonly machines?: readonly MachineRecord[];
  readonly machinesGone?: readonly MachineKey[];
  readonly claims?: readonly ClaimRecord[];
  readonly claimsReleased?: readonly MachineKey[];
  readonly operations?: readonly OperationRecord[];
  readonly flavors?: readonly FlavorRecord[];
  readonly flavorsRemoved?: readonly string[];
  readonly images?: readonly ImageRecord[];
  readonly imagesRemoved?: readonly string[];
  /** Inserted, or its inventory renewed; enabled and claims of an existing row stay as they are. */
  readonly hosts?: readonly HostInventory[];
  readonly hostsEnabled?: readonly {
    readonly hostId: string;
    readonly enabled: boolean;
    readonly reason: string | null;
    /**
     * Only while it is enabled and has failed so many builds in a row, of at least two projects and two
     * images; and only while no more than a third of the hosts are disabled for that, and another one is
     * left. Else the result is `conflict`.
     */
    readonly failedBuildsMin?: number;
    /** Begins, or goes on with other numbers. Absent: as it was; a host that is enabled is not drained. */
    readonly draining?: Draining;
  }[];
  /**
   * Hosts that are forgotten, with their places in aggregates, their claims and machines. `inUse` while an
   * instance that is not deleted is owned by it, or, unless `parked`, while anything is claimed on it: what
   * was parked goes with a host that is fenced, which `fencesExpected` has to say. Their leases are kept: a
   * host that comes back must clean up like any other that was fenced.
   */
  readonly hostsRemoved?: readonly { readonly hostId: string; readonly parked: boolean }[];
  /**
   * Builds that came to run, and those that failed by the fault of their hosts, in this order. A host that is
   * not there (any more) is passed over. Project and image are those of a failed one.
   */
  readonly buildsEnded?: readonly {
    readonly hostId: string;
    readonly failed: boolean;
    readonly project?: string;
    readonly imageId?: string;
  }[];
  /** A new lease: the first one, or one epoch above a fenced one. `conflict` when it is not so. */
  readonly leasesGranted?: readonly { readonly hostId: string; readonly epoch: number }[];
  /**
   * Ends a lease that is held. `renewals`: only if nothing was renewed since; null: whatever was. `conflict`
   * when it is not so.
   */
  readonly leasesFenced?: readonly {
    readonly hostId: string;
    readonly epoch: number;
    readonly renewals: number | null;
    readonly proof: FenceProof;
  }[];
  /** What this turn rests on: the hosts are fenced, with this epoch. `conflict` when one is not. */
  readonly fencesExpected?: readonly { readonly hostId: string; readonly epoch: number }[];
  readonly events?: readonly NewEvent[];
}

export interface MachineKey {
  readonly instanceId: string;
  readonly epoch: number;
}

type MissingNoun = "flavor" | "image" | "host" | "aggregate" | "server-group";

export type CommitResult =
  | {
      readonly kind: "committed" /** Of the turn's last event; 0 when it had none. */;
      readonly lastSequence: number;
    }
  /** The request id is known: answer what was answered (or ALREADY_EXISTS when the hash differs). */
  | { readonly kind: "duplicate"; readonly request: RequestRecord }
  /** A row was not at the expected version: load it again and decide again. */
  | { readonly kind: "conflict" }
  /** The claim does not fit, or its host is gone, disabled, or holds another lease: try the next one. */
  | { readonly kind: "hostFull"; readonly hostId: string }
  /** A name is taken. */
  | { readonly kind: "nameTaken" }
  /**
   * What is to be changed, removed, joined or used does not exist (any more): the noun and the id of the
   * first such. A new instance needs its flavor (`row.flavor.id`), its image (`row.image.id`) and its group.
   */
  | { readonly kind: "missing"; readonly noun?: MissingNoun; readonly id?: string }
  /** What is to be removed is still used: an image or group by an instance, an aggregate by a host. */
  | { readonly kind: "inUse" }
  | PlacementRefusal;

/** Everything an instance actor needs to come into being. */
export interface LoadedInstance {
  readonly instance: InstanceRecord;
  readonly machines: readonly MachineRecord[];
  readonly claims: readonly ClaimRecord[];
  readonly operation: OperationRecord | undefined;
}
