/**
 * What is remembered of an instance: what was asked for, what its machines on hosts are, what it takes of
 * them, and the operation under way. Each record has one writer (I1): `instance` and `operation` the
 * instance actor, guarded by `version`; `machine` its host, guarded by epoch and generation and relayed by
 * the instance actor; `claim` the instance actor, under the CHECK on the host's capacity. Types only.
 *
 * Times are wall-clock milliseconds; only the deadlines of operations, which are seconds long, are compared
 * with them.
 */
import type { Image } from "../../protocol/image.ts";
import type { MachineIntent, MachineSpec, Observation } from "../../protocol/machine.ts";
import type { NumaPlacement } from "../../protocol/numa.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { DesiredPower, InstanceState, RecoveryPolicy } from "../../protocol/states.ts";
import type { ErrorBody } from "../../protocol/wire/status.ts";
import type { InstanceHints } from "./placement.ts";

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
export interface MachineKey {
  readonly instanceId: string;
  readonly epoch: number;
}

/** Everything an instance actor needs to come into being. */
export interface LoadedInstance {
  readonly instance: InstanceRecord;
  readonly machines: readonly MachineRecord[];
  readonly claims: readonly ClaimRecord[];
  readonly operation: OperationRecord | undefined;
}
