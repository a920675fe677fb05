/**
 * What an instance actor hears, and which effects its decisions ask for. Data only.
 *
 * Ids and times come with the event, so that a decision is a function of its arguments alone.
 */

import type { HostDrivers } from "../../../protocol/host-drivers.ts";
import type { Changed } from "../../../protocol/instance.ts";
import type { MachineIntent, MachineSpec, Observation } from "../../../protocol/machine.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import type { OfferedShapes } from "../../../protocol/shape.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { NewEvent } from "../../records/commit.ts";
import type { AttachedVolume, InterfaceRecord, LoadedInstance } from "../../records/instance.ts";
import type { RowChange } from "../../records/rows.ts";
import type { Decision as DecisionOn, RequestFacts } from "../../runtime/decision.ts";
import type { Reply } from "../../runtime/system.ts";
import type { Fence } from "../directory/fence-proof.ts";
import type { AdmissionCommand } from "./admission.ts";

export interface CommandEvent {
  readonly kind: "command";
  readonly command: AdmissionCommand;
  /** For `stop`: how long the guest may take to shut down; else unused. */
  readonly stopTimeoutMs: number;
  readonly request: RequestFacts;
  readonly operationId: string;
  readonly nowMs: number;
  /** The owner host, if there is one: its name, and whether it was heard from lately. */
  readonly host: HostFacts | undefined;
  /** For `evacuate`: the fences of its hosts, as far as this controller knows. */
  readonly fences?: readonly Fence[];
}

/** A change of what is remembered of an instance: no host hears of it, and no generation is raised. */
export type Edit =
  | {
      readonly kind: "set";
      readonly name?: string;
      readonly description?: string | null;
      /** Null removes a pair. */
      readonly metadata?: Readonly<Record<string, string | null>>;
    }
  /** Without a reason an instance that is locked keeps the one it has. */
  | { readonly kind: "lock"; readonly reason?: string }
  | { readonly kind: "unlock" };

export interface EditEvent {
  readonly kind: "edit";
  readonly edit: Edit;
  readonly request: RequestFacts;
  readonly nowMs: number;
  readonly host: HostFacts | undefined;
}

/** What an instance is to be plugged into, or unplugged from. */
export type Rewiring =
  | {
      readonly command: "interfaceAttach";
      readonly interface: InterfaceRecord;
      /** Rows of its port, where it is made for the instance, and of the plug; in this order. */
      readonly rows: readonly RowChange[];
      readonly events: readonly NewEvent[];
      /** Whether its port has a bandwidth limit at this moment. */
      readonly isLimited: boolean;
    }
  | { readonly command: "interfaceDetach"; readonly portId: string };

/** A command about one interface: the intent changes as by any other command. */
export interface RewireEvent {
  readonly kind: "rewire";
  readonly rewiring: Rewiring;
  readonly request: RequestFacts;
  readonly operationId: string;
  readonly nowMs: number;
  readonly host: HostFacts | undefined;
}

/** What is to become of a volume. */
export type VolumeChangeAsked =
  | {
      readonly command: "volumeAttach";
      /** As its row has it; the commit judges whether the row is still so. The actor chooses a place. */
      readonly volume: Omit<AttachedVolume, "place" | "change">;
      /** Absent: the lowest one that is free. */
      readonly place?: number;
    }
  | { readonly command: "volumeDetach"; readonly volumeId: string; readonly force?: boolean }
  | { readonly command: "volumeExtend"; readonly volumeId: string; readonly sizeGib: number };

/** A command about one volume: the intent changes as by any other command. */
export interface RevolumeEvent {
  readonly kind: "revolume";
  readonly change: VolumeChangeAsked;
  readonly request: RequestFacts;
  readonly operationId: string;
  readonly nowMs: number;
  readonly host: HostFacts | undefined;
  /** The sets of storages that some host sees together. Absent: each host sees one. */
  readonly seenTogether?: readonly (readonly string[])[];
}

export interface HostFacts {
  readonly name: string;
  /** Id of the storage that the host shares. Null or absent: none, or unknown. */
  readonly storageId?: string | null;
  readonly alive: boolean;
  /** What it can do with guests. Absent: an agent of before, or it is not known. */
  readonly drivers?: HostDrivers | null | undefined;
}

export interface ObservedEvent {
  readonly kind: "observed";
  readonly hostId: string;
  readonly observation: Observation;
  readonly nowMs: number;
  /** Lease epoch of the host lease that the host holds, as far as is known; 0: none. */
  readonly leaseEpoch: number;
  /**
   * True: the answer to an `ensure`. To tell the host again, at once, what it has just answered to would go
   * on as fast as messages travel. Absent: a report of the host.
   */
  readonly answers?: true;
}

/**
 * `settled`: the host need not report it again. `open`: it has to, until something has become of it.
 * `impossible`: its generation cannot be.
 */
export type ObservedAnswer = "settled" | "open" | "impossible";

/** A nudge: has a deadline passed, is anything not done that should be? */
export interface ReconcileEvent {
  readonly kind: "reconcile";
  readonly nowMs: number;
  readonly hostAlive: boolean;
  /** Lease epoch of the host lease that its host holds, as far as is known; 0: none. */
  readonly leaseEpoch: number;
  /** Of hosts of an instance that is to go. Absent: none of them is fenced. */
  readonly fences?: readonly Fence[];
}

/** Hosts were fenced: what the instance had there goes on elsewhere. */
export interface RecoverEvent {
  readonly kind: "recover";
  readonly fences: readonly Fence[];
  readonly operationId: string;
  readonly nowMs: number;
}

/** Its host is drained: the instance goes on elsewhere, if it may. */
export interface MoveEvent {
  readonly kind: "move";
  /** The host being drained. Ignored if the instance has left it already. */
  readonly hostId: string;
  /** The host with room for it; null: it is to be stopped and needs none. */
  readonly to: HostPlacement | null;
  readonly operationId: string;
  readonly nowMs: number;
}

export type Placement =
  | {
      readonly kind: "host";
      readonly hostId: string;
      readonly hostName: string;
      readonly leaseEpoch: number;
      readonly storageId: string | null;
      /** What the instance gets of the host's NUMA nodes; null: its flavor asks for no NUMA placement. */
      readonly numa: NumaPlacement | null;
      /** The shapes that the host offers; absent: none. */
      readonly shapes?: OfferedShapes | undefined;
    }
  | { readonly kind: "denied"; readonly denial: Denial };

export type HostPlacement = Extract<Placement, { kind: "host" }>;

/** The scheduler's answer to the question for a host. */
export interface PlacedEvent {
  readonly kind: "placed";
  readonly placement: Placement;
  /**
   * The owner epoch in which the question was asked; if the instance has another one now, the answer is
   * stale.
   */
  readonly ownerEpoch: number;
  readonly nowMs: number;
}

/** A host says that it cannot take the intent up, and has done nothing about it. */
export interface RefusedEvent extends Refusal {
  readonly kind: "refused";
  readonly nowMs: number;
}

export interface Refusal {
  readonly hostId: string;
  readonly ownerEpoch: number;
  /** Of the refused intent. */
  readonly generation: number;
  readonly reason: "diskFull";
  readonly message: string;
}

export type InstanceEvent =
  | CommandEvent
  | EditEvent
  | RewireEvent
  | RevolumeEvent
  | ObservedEvent
  | ReconcileEvent
  | PlacedEvent
  | RefusedEvent
  | RecoverEvent
  | MoveEvent;

/**
 * Effects to start after the commit. Each may be done twice, or be lost: the reconciler asks for it again.
 */
export type InstanceEffect =
  | {
      readonly kind: "ensure";
      readonly hostId: string;
      readonly spec: MachineSpec;
      readonly intent: MachineIntent;
      readonly observedGeneration: number;
      readonly leaseEpoch: number;
    }
  /** `keptOn`: the host where room is kept. */
  | { readonly kind: "place"; readonly keptOn?: string };

export type Decision = DecisionOn<LoadedInstance, InstanceEffect>;

/** The answer to an edit, which is done when it is answered. */
export type Edited = Pick<Changed, "instance">;

/** The messages of the mailbox. Questions carry their reply. */
export type InstanceMessage =
  | {
      readonly kind: "command";
      readonly command: AdmissionCommand;
      readonly stopTimeoutMs: number;
      readonly request: RequestFacts;
      readonly reply: Reply<Changed>;
    }
  | {
      readonly kind: "edit";
      readonly edit: Edit;
      readonly request: RequestFacts;
      readonly reply: Reply<Edited>;
    }
  | {
      readonly kind: "rewire";
      readonly rewiring: Rewiring;
      readonly request: RequestFacts;
      readonly reply: Reply<Changed>;
    }
  | {
      readonly kind: "revolume";
      readonly change: VolumeChangeAsked;
      readonly request: RequestFacts;
      readonly reply: Reply<Changed>;
    }
  | {
      readonly kind: "observed";
      readonly hostId: string;
      readonly observation: Observation;
      /** Lease epoch of the host lease under which it was reported; 0: unknown. */
      readonly leaseEpoch: number;
      /** See {@link ObservedEvent.answers}. */
      readonly answers?: true;
      readonly reply: Reply<ObservedAnswer> | undefined;
    }
  | { readonly kind: "reconcile" }
  /** A host with a claim of the instance was fenced. */
  | { readonly kind: "recover" }
  /** Its host is drained: go on elsewhere. */
  | { readonly kind: "move"; readonly hostId: string; readonly to: HostPlacement | null }
  | { readonly kind: "placed"; readonly placement: Placement; readonly ownerEpoch: number }
  | ({ readonly kind: "refused" } & Refusal)
  /** A host knows a newer intent: the row in memory is old. */
  | { readonly kind: "reload" }
  /** Tell the hosts the intent: after the create, or when a host does not list the instance. */
  | { readonly kind: "tellHosts" };
