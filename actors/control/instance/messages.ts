/**
 * What an instance actor hears, and what its decisions ask for. Data only.
 *
 * Ids and times come in with the event, so that a decision is a function of its arguments alone.
 */

import type { Changed } from "../../../protocol/instance.ts";
import type { MachineIntent, MachineSpec, Observation } from "../../../protocol/machine.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { Turn } from "../../records/commit.ts";
import type { LoadedInstance } from "../../records/instance.ts";
import type { Reply } from "../../runtime/system.ts";
import type { Fence } from "../directory/fence-proof.ts";
import type { AdmissionCommand } from "./admission.ts";

/** Who asked, and when; the same for every event that comes from a request. */
export interface RequestFacts {
  readonly project: string;
  readonly requestId: string;
  readonly contentHash: string;
}

export interface CommandEvent {
  readonly kind: "command";
  readonly command: AdmissionCommand;
  /** For `stop`: how long the guest may take; for the others unused. */
  readonly stopTimeoutMs: number;
  readonly request: RequestFacts;
  readonly operationId: string;
  readonly nowMs: number;
  /** The owner of the instance, if it has one: its name, and whether it was heard from lately. */
  readonly host: HostFacts | undefined;
  /** For `evacuate`: those of its hosts that are fenced as far as is known. */
  readonly fences?: readonly Fence[];
}

export interface HostFacts {
  readonly name: string;
  readonly alive: boolean;
}

export interface ObservedEvent {
  readonly kind: "observed";
  readonly hostId: string;
  readonly observation: Observation;
  readonly nowMs: number;
  /** Of the lease that the host holds as far as is known; 0: none. */
  readonly leaseEpoch: number;
}

/** Look again: is a deadline past, is something not done that should be? */
export interface ReconcileEvent {
  readonly kind: "reconcile";
  readonly nowMs: number;
  readonly hostAlive: boolean;
  /** Of the lease that its host holds as far as is known; 0: none. */
  readonly leaseEpoch: number;
}

/** Hosts that were fenced; what the instance has there shall go on elsewhere. */
export interface RecoverEvent {
  readonly kind: "recover";
  readonly fences: readonly Fence[];
  readonly operationId: string;
  readonly nowMs: number;
}

/** Its host is to be empty: it goes on elsewhere, when it may. */
export interface MoveEvent {
  readonly kind: "move";
  /** That host: an instance that is not there (any more) stays where it is. */
  readonly hostId: string;
  /** Where room was found for it; null: it is to be down, and needs none. */
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
      /** What it gets of the host's cells; null: it asks for nothing of the kind. */
      readonly numa: NumaPlacement | null;
    }
  | { readonly kind: "denied"; readonly denial: Denial };

export type HostPlacement = Extract<Placement, { kind: "host" }>;

/** What the scheduler said when a host was asked for. */
export interface PlacedEvent {
  readonly kind: "placed";
  readonly placement: Placement;
  /** The epoch that the question was asked in; another one now means that the answer is stale. */
  readonly epoch: number;
  readonly nowMs: number;
}

export type InstanceEvent =
  | CommandEvent
  | ObservedEvent
  | ReconcileEvent
  | PlacedEvent
  | RecoverEvent
  | MoveEvent;

/**
 * What is to be done after the commit. Each may be done twice, or be lost: the reconciler asks for it again.
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
  /** `keptOn`: the host that has room for it already. */
  | { readonly kind: "place"; readonly keptOn?: string };

export interface Decision {
  readonly outcome:
    | { readonly kind: "accepted" }
    | { readonly kind: "denied"; readonly denial: Denial }
    /** Nothing to write; for events that are old news. */
    | { readonly kind: "unchanged" };
  readonly next: LoadedInstance;
  /** Absent when nothing is to be written. */
  readonly turn: Turn | undefined;
  readonly effects: readonly InstanceEffect[];
}

/** The mailbox. Questions carry their reply. */
export type InstanceMessage =
  | {
      readonly kind: "command";
      readonly command: AdmissionCommand;
      readonly stopTimeoutMs: number;
      readonly request: RequestFacts;
      readonly reply: Reply<Changed>;
    }
  | {
      readonly kind: "observed";
      readonly hostId: string;
      readonly observation: Observation;
      /** Of the lease under which it was said; 0: unknown. */
      readonly leaseEpoch: number;
      /** Whether the host need not say it again. */
      readonly reply: Reply<boolean> | undefined;
    }
  | { readonly kind: "reconcile" }
  /** A host that holds something of it was fenced. */
  | { readonly kind: "recover" }
  /** A host that is drained asks it to go on elsewhere. */
  | { readonly kind: "move"; readonly hostId: string; readonly to: HostPlacement | null }
  | { readonly kind: "placed"; readonly placement: Placement; readonly epoch: number }
  /** A host knows something newer: what is in memory is old. */
  | { readonly kind: "reload" }
  /** Tell the hosts what it shall be: after its birth, or when a host does not list it. */
  | { readonly kind: "tellHosts" };
