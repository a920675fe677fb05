/**
 * The one way to change what is remembered: everything that changes together is in one commit, which happens
 * as a whole or not at all. Types only.
 */
import type { Event } from "../../protocol/event.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import type { FlavorRecord, ImageRecord } from "./catalog.ts";
import type { Draining } from "./host.ts";
import type { ClaimRecord, InstanceRecord, MachineKey, MachineRecord, OperationRecord } from "./instance.ts";
import type { PlacementRefusal, PlacementTurn } from "./placement.ts";

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
  | { readonly kind: "missing"; readonly noun: MissingNoun; readonly id: string }
  /** What is to be removed is still used: an image or group by an instance, an aggregate by a host. */
  | { readonly kind: "inUse" }
  | PlacementRefusal;
