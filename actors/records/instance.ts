/**
 * The records of an instance: what was asked for, what its machines on hosts are doing, what it claims of
 * hosts, and the operation under way. Each record has one writer (I1): `instance` and its `operation` the
 * instance actor, guarded by `version`; `machine` its host, guarded by owner epoch and generation and relayed
 * by the instance actor; `claim` the instance actor, under the CHECK on the host's capacity. Types only.
 *
 * Times are wall-clock milliseconds. Only the deadlines of operations, which are seconds long, are compared
 * with the clock.
 */
import type { GuestData } from "../../protocol/guest-data.ts";
import type { Image } from "../../protocol/image.ts";
import type { Interface, InterfaceChange } from "../../protocol/interface.ts";
import type { LockHolder } from "../../protocol/kinds.ts";
import type { MachineIntent, MachineSpec, Observation } from "../../protocol/machine.ts";
import type { NumaPlacement } from "../../protocol/numa.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { MachineShape } from "../../protocol/shape.ts";
import type { DesiredPower, InstanceState, OperationNoun, RecoveryPolicy } from "../../protocol/states.ts";
import type { VolumeChange, VolumeSource } from "../../protocol/volume.ts";
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
  /** Raised by every accepted command; hosts compare it to tell newer intents from older ones. */
  readonly generation: number;
  readonly desired: DesiredPower;
  readonly stop: MachineIntent["stop"];
  readonly resetCount: number;
  readonly resetMode: MachineIntent["resetMode"];
  readonly startCount: number;
  /** True once a guest of this instance was seen running. */
  readonly built: boolean;
  /**
   * The state that a user sees while the host is alive; stored so that lists can filter by it. Always
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
    /** The room of all its disks: of the root disk, and of those that follow. */
    readonly diskGib: number;
    /** Absent: 0. */
    readonly ephemeralGib?: number;
    readonly swapMib?: number;
    readonly extraSpecs: Readonly<Record<string, string>>;
  };
  readonly image: MachineSpec["image"] & { readonly name: string; readonly properties: Image["properties"] };
  readonly metadata: Readonly<Record<string, string>>;
  readonly description: string | null;
  /** Keeps its project from changing it; null: it is not locked. */
  readonly lock: InstanceLock | null;
  readonly macAddress: string;
  /** What its guest is told; null: it was made before guests were told anything but their names. */
  readonly guest: GuestRecord | null;
  /**
   * The shape of its machine, as the host of its first boot gave it: never another one once it is built.
   * Null: that host offered none, or it was built before there were any.
   */
  readonly shape: MachineShape | null;
  /**
   * Its network interfaces, in the guest's order: `plug` rows hold their ports until no host has anything of
   * the deleted instance; then there are none here. Null: it was asked for none of a network.
   */
  readonly interfaces: readonly InterfaceRecord[] | null;
  /**
   * Its volumes, in the order of their places: the volumes' own rows have the instance, in the same commits.
   * Null: it never had one.
   */
  readonly volumes: readonly AttachedVolume[] | null;
  /** What to do when its host is lost; among many instances, those of higher priority go first. */
  readonly recovery: { readonly policy: RecoveryPolicy; readonly priority: number };
  /**
   * The shared storage that holds its disk, which every host with this storage can open. Null: the disk is on
   * its host's own storage.
   */
  readonly storageId: string | null;
  /**
   * Another host may take the instance over when its own is fenced. Derived; stored so that movable instances
   * can be queried.
   */
  readonly movable: boolean;
  /** The owner; null before the first placement and when everything is gone. */
  readonly hostId: string | null;
  /** The owner epoch: raised with every change of owner. 0: never placed. */
  readonly ownerEpoch: number;
  /** Number of hosts tried for this build, the present host included. */
  readonly attempt: number;
  readonly excludedHosts: readonly { readonly hostId: string; readonly reason: string }[];
  /** The instance's server group; members leave their group when they are deleted. */
  readonly serverGroupId: string | null;
  /** The zone that was asked for; null: any. */
  readonly availabilityZone: string | null;
  readonly hints: InstanceHints | null;
  /** The operation under way. */
  readonly operationId: string | null;
  readonly failure: ErrorBody | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly deletedAtMs: number | null;
}

/** What a guest is told about itself, but for what {@link GuestDataRecord} keeps apart. */
export interface GuestRecord {
  readonly hostname: string;
  /** Number of the instance among those of one create, from 0. */
  readonly launchIndex: number;
  /** The name of the key pair at the time of the create; null: none. */
  readonly keyName: string | null;
  readonly configDrive: boolean;
  readonly userDataBytes: number;
}

/**
 * The key and the user data of an instance: written when it is made, forgotten when it is deleted, and read
 * by its actor alone. User data may be secret, and both are large.
 */
export type GuestDataRecord = Pick<GuestData, "publicKeys" | "userData">;

export interface InterfaceRecord extends Omit<Interface, "change"> {
  /** As its network had it when the port was plugged in. */
  readonly mtuBytes: number;
  /** The operator's network on which the port is. Absent: its network has a number alone. */
  readonly physicalNetwork?: string;
  /** Whether the port had `portSecurity` when it was plugged in. Absent: it had. */
  readonly portSecurity?: boolean;
  /** The port was made for the instance, and goes when the instance lets go of it. */
  readonly deleteWithInstance: boolean;
  /**
   * Its place among those that the guest has room for. Absent: its position in the list, of an instance whose
   * interfaces are those of its create.
   */
  readonly place?: number;
  /**
   * What is on its way, since this generation of the intent, until the owner host has said that it is so. A
   * word of an earlier generation is none: what the host was told by then may still reach it.
   */
  readonly change?: { readonly kind: InterfaceChange; readonly generation: number };
}

/** A volume of an instance. The volume's row has the same epoch, storage, host and size. */
export interface AttachedVolume {
  readonly volumeId: string;
  readonly project: string;
  /** The epoch of this instance as the writer, on its present host. */
  readonly epoch: number;
  /** Its place among those that the guest has room for, as long as it is attached. */
  readonly place: number;
  readonly sizeGib: number;
  readonly storageId: string | null;
  /** The host on whose own disk it is. */
  readonly hostId: string | null;
  /** Whether a host has made the file. */
  readonly made: boolean;
  readonly source: VolumeSource | null;
  /** It goes when the instance is deleted. */
  readonly deleteOnTermination: boolean;
  /**
   * The order in which disks are tried at a boot. 0: it is the root disk, and stays as long as the instance
   * is there. Absent: it is not booted from.
   */
  readonly bootIndex?: number;
  /** As {@link InterfaceRecord.change}. `force`: it leaves, and the guest is not asked for it. */
  readonly change?: { readonly kind: VolumeChange; readonly generation: number; readonly force?: true };
}

export interface InstanceLock {
  readonly by: LockHolder;
  readonly reason: string | null;
  readonly atMs: number;
}

/**
 * One machine of an instance on one host. There are two only while a machine of an older owner epoch is being
 * removed.
 */
export interface MachineRecord extends Observation {
  readonly hostId: string;
}

/**
 * What an instance takes of a host. Held until that host reported `gone` for that owner epoch. Key:
 * (instanceId, epoch).
 */
export interface ClaimRecord {
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly hostId: string;
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
  /**
   * The epoch of the host lease under which the claim was made; a commit refuses an epoch that the host does
   * not hold. 0: the host has no lease.
   */
  readonly leaseEpoch: number;
  /** What it takes of the host's NUMA nodes. Null: its flavor asks for no NUMA placement, as most do. */
  readonly numa: NumaPlacement | null;
}

/** What became of a command: of the instance, or of the entity of another noun that has operations. */
export interface OperationRecord extends Omit<Operation, "noun" | "entityId" | "instanceId" | "toHost"> {
  readonly noun: OperationNoun;
  readonly entityId: string;
  readonly toHost: NonNullable<Operation["toHost"]> | null;
}

export interface MachineKey {
  readonly instanceId: string;
  readonly ownerEpoch: number;
}

/** Everything that an instance actor needs to begin. */
export interface LoadedInstance {
  readonly instance: InstanceRecord;
  readonly machines: readonly MachineRecord[];
  readonly claims: readonly ClaimRecord[];
  readonly operation: OperationRecord | undefined;
  /** Absent: the guest was given neither a key nor user data, or the instance is deleted. */
  readonly guestData?: GuestDataRecord | undefined;
}
