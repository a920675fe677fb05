/**
 * What a judge of the promises is told: facts, in the order in which they came to be. The simulator tells all
 * of them, at the moment they happen; the chaos tool tells what can be seen of a real cluster from outside.
 * A checker (one file for each promise) is a function of the facts it has seen: data only, no clock, no I/O.
 */
import type { Event } from "../../protocol/event.ts";
import type { NumaPlacement, NumaUse } from "../../protocol/numa.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { DesiredPower, InstanceState, MachineState } from "../../protocol/states.ts";
import type { CommitResult, Turn } from "../records/commit.ts";

/** A client asked for something. One line of the history; its end has the same `call`. */
export interface Invoked {
  readonly kind: "invoked";
  readonly atMs: number;
  readonly call: number;
  readonly client: string;
  readonly project: string;
  /** `<noun>.<method>`, as in `instance.create`. */
  readonly method: string;
  /** Of the entity; empty for a method of a collection. */
  readonly id: string;
  readonly requestId: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/**
 * What the client was told at last. `failed`: certainly not executed. `unknown`: perhaps executed, the time
 * was over.
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

/** A turn was applied by the store, or refused; `by` is the process that asked for it. Simulator only. */
export interface Committed {
  readonly kind: "committed";
  readonly atMs: number;
  readonly by: string;
  readonly turn: Turn;
  readonly result: CommitResult;
}

/** A watcher was handed an event; `watcher` names it, and it shall see each number once, in order. */
export interface Watched {
  readonly kind: "watched";
  readonly atMs: number;
  readonly watcher: string;
  /** Whose events the watcher may see; `admin`: everybody's. */
  readonly project: string;
  readonly event: Event;
}

/** A process of a guest came into being (or was first seen by the chaos tool), or is gone. */
export interface GuestProcess {
  readonly kind: "guestStarted" | "guestEnded";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly epoch: number;
  readonly pid: number;
  /** It is born as one that cannot write yet: its CPU does not run. */
  readonly held?: boolean;
}

/**
 * A living process cannot write (its CPU does not run yet, it is paused, or its guard has stopped it), or can
 * again. Simulator only.
 */
export interface GuestHeld {
  readonly kind: "guestHeld" | "guestFree";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly epoch: number;
  readonly pid: number;
}

/** A renewal of a host's lease became durable. Simulator only. */
export interface LeaseRenewed {
  readonly kind: "leaseRenewed";
  readonly atMs: number;
  readonly hostId: string;
  readonly epoch: number;
}

/** A living guest wrote to its disk. Simulator only. */
export interface DiskWritten {
  readonly kind: "diskWritten";
  readonly atMs: number;
  readonly hostId: string;
  readonly instanceId: string;
  readonly pid: number;
}

/** A message was put on the bus. Simulator only. */
export interface Sent {
  readonly kind: "sent";
  readonly atMs: number;
  readonly from: string;
  readonly subject: string;
  readonly bytes: number;
}

/** How much is held in memory somewhere, against its maximum. Simulator only. */
export interface Measured {
  readonly kind: "measured";
  readonly atMs: number;
  readonly what: string;
  readonly amount: number;
  readonly max: number;
}

export interface InstanceFacts {
  readonly id: string;
  readonly project: string;
  readonly state: InstanceState;
  readonly desired: DesiredPower;
  readonly generation: number;
  readonly hostId: string | null;
  /** Present in the simulator, which sees the rows. */
  readonly epoch?: number;
  readonly operationId: string | null;
  readonly failed: boolean;
  readonly deleted: boolean;
  readonly machine: { readonly state: MachineState; readonly intentGeneration: number } | null;
}

/**
 * Everything there is, when faults have stopped and nothing moves any more: the store's side and the world's.
 */
export interface Quiet {
  readonly kind: "quiet";
  readonly atMs: number;
  /** Tombstones included. */
  readonly instances: readonly InstanceFacts[];
  readonly operations: readonly Operation[];
  readonly hosts: readonly {
    readonly id: string;
    readonly capacity: Amounts;
    readonly claimed: Amounts;
    /** What of its cells is claimed, by its own sums; absent where that cannot be seen. */
    readonly cells?: { readonly pinnedCpus: number; readonly numaClaimed: readonly NumaUse[] };
  }[];
  /** Absent where they cannot be seen from outside. */
  readonly claims?: readonly (Amounts & {
    readonly instanceId: string;
    readonly epoch: number;
    readonly hostId: string;
    readonly numa?: NumaPlacement | null;
  })[];
  readonly guests: readonly {
    readonly hostId: string;
    readonly instanceId: string;
    readonly pid: number;
    readonly running: boolean;
  }[];
  /** Directories and machine files that lie on hosts. */
  readonly remains: readonly {
    readonly hostId: string;
    readonly instanceId: string;
    readonly what: string;
  }[];
  /** Instances whose guest has run and whose disk is nowhere any more; absent where disks cannot be seen. */
  readonly disksLost?: readonly string[];
  /** All that the store still has, in order. */
  readonly events: readonly Event[];
  readonly eventsTrimmed: number;
  /** What the event stream has; absent where it cannot be read. */
  readonly stream?: readonly number[];
  /** Sentences of the doctor. */
  readonly findings: readonly string[];
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
  | GuestProcess
  | GuestHeld
  | LeaseRenewed
  | DiskWritten
  | Sent
  | Measured
  | Quiet;

export type PromiseId = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8" | "I9" | "I10" | "I11" | "I12";

export interface Violation {
  readonly promise: PromiseId;
  readonly atMs: number;
  /** A sentence with the ids it is about. */
  readonly message: string;
}

/** One promise, judged as facts come in. It remembers what it needs and nothing more. */
export interface Checker {
  readonly promise: PromiseId;
  /** What this fact breaks, as sentences; empty when all is well. */
  see(fact: Fact): readonly string[];
}
