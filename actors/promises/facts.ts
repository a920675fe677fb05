/**
 * Facts: what the judge of the promises is told, in the order in which it happened. The simulator tells all
 * of them, at the moment they happen; the chaos tool tells what can be seen of a real cluster from outside. A
 * checker (one file for each promise) is a function of the facts it has seen: data only, no clock, no I/O.
 */
import type { Event } from "../../protocol/event.ts";
import type { Finding } from "../../protocol/host.ts";
import type { HostNetworking } from "../../protocol/networking.ts";
import type { NumaPlacement, NumaUse } from "../../protocol/numa.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { MachineShape } from "../../protocol/shape.ts";
import type { DesiredPower, InstanceState, MachineState } from "../../protocol/states.ts";
import type { ServerGroupRecord } from "../records/catalog.ts";
import type { Commit, CommitResult } from "../records/commit.ts";
import type { QuotaUse } from "../records/placement.ts";
import type { HostLook, VolumesEnd, VolumesLook } from "./host-look.ts";
import type { CopiesAtRest, ImageFact, UploadsAtRest } from "./image-facts.ts";
import type { NetworkFact } from "./network-facts.ts";
import type { RoomForgotten, RoomHeard } from "./room-heard.ts";
import type { FaultsOver, VolumeOpened, VolumeWritten } from "./volume-access.ts";
import type { VolumesAtRest } from "./volume-facts.ts";

type GroupPolicy = ServerGroupRecord["policy"];

/** As a store or a client has it: an older controller names only the instance. */
export type OperationFacts = Omit<Operation, "instanceId"> & Partial<Pick<Operation, "instanceId">>;

/** A client sent a request. The fact of its end has the same `call`. */
export interface Invoked {
  readonly kind: "invoked";
  readonly atMs: number;
  readonly call: number;
  readonly client: string;
  readonly project: string;
  /** `<noun>.<method>`, as in `instance.create`. */
  readonly method: string;
  /** Id of the entity; empty for a method of a collection. */
  readonly id: string;
  readonly requestId: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** Of a method of a plug-in: whether it changes records. Absent: the method is ours. */
  readonly mutates?: boolean;
}

/**
 * The outcome that the client was told. `failed`: certainly not executed. `unknown`: perhaps executed, the
 * deadline passed.
 */
export interface Completed {
  readonly kind: "completed";
  readonly atMs: number;
  readonly call: number;
  readonly outcome: "ok" | "failed" | "unknown";
  readonly answer?: Readonly<Record<string, unknown>>;
  readonly code?: string;
  readonly reason?: string;
}

/** The store applied a commit, or refused it; `by` is the process that asked. Simulator only. */
export interface Committed {
  readonly kind: "committed";
  readonly atMs: number;
  readonly by: string;
  readonly commit: Commit;
  readonly result: CommitResult;
}

/** A watcher got an event. `watcher` names it; each watcher must see each sequence number once, in order. */
export interface Watched {
  readonly kind: "watched";
  readonly atMs: number;
  readonly watcher: string;
  /** The project whose events the watcher may see; `admin`: those of all projects. */
  readonly project: string;
  readonly event: Event;
}

/** Events came to the place of a sink, with these numbers, in this order. Simulator only. */
export interface Delivered {
  readonly kind: "delivered";
  readonly atMs: number;
  readonly sink: string;
  readonly sequences: readonly number[];
}

/** A guest's process started (or was first seen by the chaos tool), or ended. */
export interface GuestProcess {
  readonly kind: "guestStarted" | "guestEnded";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
  /** The process cannot write yet: its CPUs do not run. */
  readonly held?: boolean;
  /** The contents of the config drive; absent: there is no drive, or nobody can tell. Simulator only. */
  readonly told?: { readonly hostname: string; readonly userData: string };
  /** The shape that its machine has. Null: none; absent: not known. */
  readonly shape?: MachineShape | null;
}

/**
 * A living process can no longer write (its CPUs do not run yet, it is paused, or its guard stopped it), or
 * can write again. Simulator only.
 */
export interface GuestHeld {
  readonly kind: "guestHeld" | "guestFree";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly ownerEpoch: number;
  readonly pid: number;
}

/** A renewal of a host's lease became durable. Simulator only. */
export interface LeaseRenewed {
  readonly kind: "leaseRenewed";
  readonly atMs: number;
  readonly hostId: string;
  readonly leaseEpoch: number;
}

/** A living guest wrote to its disk. Simulator only. */
export interface DiskWritten {
  readonly kind: "diskWritten";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly pid: number;
  /** Number of the write. Absent: it has no root disk, or nobody has counted. */
  readonly count?: number;
}

/** A message was put on the bus. Simulator only. */
export interface Sent {
  readonly kind: "sent";
  readonly atMs: number;
  readonly from: string;
  readonly subject: string;
  readonly bytes: number;
}

/** The size of something held in memory, and its maximum. Simulator only. */
export interface Measured {
  readonly kind: "measured";
  readonly atMs: number;
  readonly what: string;
  readonly amount: number;
  readonly max: number;
}

/**
 * Somebody is hostile from now on, or his traces are gone: a project that floods, a host that lies. `alone`:
 * nothing else is broken meanwhile, so that what goes wrong for others comes of him.
 */
export interface Hostile {
  readonly kind: "hostileBegan" | "hostileEnded";
  readonly atMs: number;
  /** Name of the project, or id of the host. */
  readonly who: string;
  readonly alone: boolean;
}

/** Somebody who has nothing to do with the one who is hostile asked for a list. Simulator only. */
export interface BystanderAsked {
  readonly kind: "bystanderAsked";
  readonly atMs: number;
  readonly tookMs: number;
  /** Before its own deadline. */
  readonly answered: boolean;
  readonly alone: boolean;
}

export interface InstanceFacts {
  readonly id: string;
  readonly project: string;
  readonly state: InstanceState;
  readonly desired: DesiredPower;
  readonly generation: number;
  readonly hostId: string | null;
  /** The owner epoch. Present in the simulator, which sees the rows. */
  readonly ownerEpoch?: number;
  readonly operationId: string | null;
  /** Share of the project's quota; absent where quotas are not judged. */
  readonly size?: QuotaUse;
  readonly failed: boolean;
  readonly deleted: boolean;
  /** Metadata and the holder of the lock. Absent: these were not read. */
  readonly written?: {
    readonly metadata: Readonly<Record<string, string>>;
    readonly lockedBy: string | null;
  };
  readonly machine: { readonly state: MachineState; readonly intentGeneration: number } | null;
}

/** What the doctor has found; or that it could not look, which is a finding as well. */
export type FindingFacts = Pick<Finding, "kind" | "subject" | "message">;

/** The whole state once faults have stopped and nothing moves any more: the store's side and the world's. */
export interface Quiet {
  readonly kind: "quiet";
  readonly atMs: number;
  /** Tombstones included. */
  readonly instances: readonly InstanceFacts[];
  readonly operations: readonly OperationFacts[];
  readonly hosts: readonly {
    readonly id: string;
    readonly capacity: Amounts;
    readonly claimed: Amounts;
    /** What is claimed of its NUMA nodes, by its own sums; absent where that cannot be seen. */
    readonly nodes?: { readonly pinnedCpus: number; readonly numaClaimed: readonly NumaUse[] };
  }[];
  /** Absent where they cannot be seen from outside. */
  readonly claims?: readonly (Amounts & {
    readonly instanceId: string;
    readonly ownerEpoch: number;
    readonly hostId: string;
    readonly numa?: NumaPlacement | null;
  })[];
  /** Storages that hosts share, by the store's own sums; absent where nobody has looked. */
  readonly storages?: readonly { readonly storageId: string; readonly diskGibClaimed: number }[];
  /** Server groups, and the host of each member that has one; absent where nobody has looked. */
  readonly groups?: readonly {
    readonly id: string;
    readonly policy: GroupPolicy;
    readonly maxPerHost: number | null;
    readonly hostIds: readonly string[];
  }[];
  /** What projects use, by their own sums; absent where nobody has looked. */
  readonly quotas?: readonly { readonly project: string; readonly used: QuotaUse }[];
  readonly guests: readonly {
    readonly hostId: string;
    readonly instanceId: string;
    readonly pid: number;
    readonly running: boolean;
  }[];
  /** Directories and machine files on hosts. */
  readonly remains: readonly {
    readonly hostId: string;
    readonly instanceId: string;
    readonly what: string;
  }[];
  /** Instances whose guest has run and whose disk no longer exists; absent where disks cannot be seen. */
  readonly disksLost?: readonly string[];
  /** How many ports each host has, and what it has applied; absent where hosts cannot be looked into. */
  readonly networks?: readonly {
    readonly hostId: string;
    readonly ports: number;
    /** What is there of networks, each for a row of the ledger. Absent: nobody has looked. */
    readonly has?: readonly { readonly what: string; readonly row: string }[];
    readonly applied: HostNetworking | null;
    /** It was told nothing of a change, and has not asked again yet. Absent: nobody has looked. */
    readonly isBehind?: boolean;
  }[];
  /** Rows of networks, and what each is there for; absent where nobody has looked. */
  readonly ledger?: readonly LedgerRow[];
  /** Absent: nobody has looked. */
  readonly volumes?: VolumesAtRest;
  /** All events that the store still has, in order. */
  readonly events: readonly Event[];
  readonly eventsTrimmed: number;
  /** Sequence numbers in the event stream; absent where it cannot be read. */
  readonly stream?: readonly number[];
  /** Absent where nobody can look. */
  readonly uploads?: UploadsAtRest;
  /** Copies of root disks on hosts. Absent where nobody can look. */
  readonly copies?: CopiesAtRest;
  /** Names of the sinks that every event has come to by now; absent: there are none that can be seen. */
  readonly sinks?: readonly string[];
  readonly findings: readonly FindingFacts[];
}

/** `of`: id of the row that it goes with, or, of a plug, of what is plugged in. */
export interface LedgerRow {
  readonly what:
    | ("network" | "subnet" | "port" | "address" | "group membership" | "plug" | "published port")
    | ("router" | "router interface" | "floating address");
  readonly id: string;
  readonly of: string | null;
}

export interface Amounts {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

export type Fact =
  | Invoked
  | Completed
  | Committed
  | Watched
  | Delivered
  | GuestProcess
  | GuestHeld
  | LeaseRenewed
  | RoomHeard
  | RoomForgotten
  | NetworkFact
  | ImageFact
  | HostLook
  | VolumesLook
  | VolumesEnd
  | DiskWritten
  | VolumeOpened
  | VolumeWritten
  | FaultsOver
  | Sent
  | Measured
  | Hostile
  | BystanderAsked
  | Quiet;

type UpToTen = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** I1 to I12 are about instances and hosts, N1 to N10 about networks, V about images and volumes. */
export type PromiseId =
  | `I${UpToTen | 11 | 12}`
  | `N${UpToTen}`
  | `V${1 | 2 | 3 | 7 | 9 | 10 | 12 | 13 | 14 | 15}`;

export interface Violation {
  readonly promise: PromiseId;
  readonly atMs: number;
  /** A sentence that names the ids concerned. */
  readonly message: string;
}

/** Judges one promise as facts come in. It keeps only what later facts are judged by. */
export interface Checker {
  readonly promise: PromiseId;
  /** The ways in which this fact breaks the promise, as sentences; empty when it does not. */
  see(fact: Fact): readonly string[];
}
