/**
 * The commit: the one way to change records. Everything that changes together is in one commit, which happens
 * as a whole or not at all. Types only.
 */
import type { Event } from "../../protocol/event.ts";
import type { FenceProof } from "../../protocol/fence.ts";
import type { HostInventory } from "../../protocol/machine.ts";
import type { Draining } from "./host.ts";
import type {
  ClaimRecord,
  GuestDataRecord,
  InstanceRecord,
  MachineKey,
  MachineRecord,
  OperationRecord,
} from "./instance.ts";
import type { PlacementChanges, PlacementRefusal } from "./placement.ts";
import type { RowChange } from "./rows.ts";

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

export interface InstanceChange {
  /** 0: the row must not exist. */
  readonly expectedVersion: number;
  readonly row: InstanceRecord;
  /** Only of a new row; kept until the row is one of a deleted instance. Absent: there is none. */
  readonly guestData?: GuestDataRecord | undefined;
}

/** One commit: all changes of one decision. They happen as a whole, or not at all. */
export interface Commit extends PlacementChanges {
  /** Inserted first; when it exists already the result is `duplicate` and nothing else happens. */
  readonly request?: RequestRecord;
  readonly instances?: readonly InstanceChange[];
  /**
   * Each replaces an older observation of the same owner epoch. Only together with the instance's row, whose
   * version guards it.
   */
  readonly machines?: readonly MachineRecord[];
  readonly machinesGone?: readonly MachineKey[];
  readonly claims?: readonly ClaimRecord[];
  readonly claimsReleased?: readonly MachineKey[];
  readonly operations?: readonly OperationRecord[];
  /**
   * Of resources: what is patched comes first, so that the rest is judged with it; then what is removed, what
   * is made, and what is changed.
   */
  readonly rows?: readonly RowChange[];
  /**
   * Each is inserted, or its inventory renewed; an existing host keeps its claims and whether it is enabled.
   */
  readonly hosts?: readonly HostInventory[];
  readonly hostsEnabled?: readonly {
    readonly hostId: string;
    readonly enabled: boolean;
    readonly reason: string | null;
    /**
     * Disables the host only while it is enabled and the last builds on it, at least this many in a row, of
     * at least two projects and two images, have failed; and only while no more than a third of the hosts are
     * disabled for failed builds, and another host is left enabled. Else the result is `conflict`.
     */
    readonly failedBuildsMin?: number;
    /**
     * Begins a drain, or changes the numbers of one under way; null: ends it. Absent: as it was; enabling a
     * host ends its drain in any case.
     */
    readonly draining?: Draining | null;
  }[];
  /**
   * Hosts that must be at this version for the commit to happen, which raises it by one. `conflict` when one
   * is not, or does not exist. An operation of a host is written only together with this.
   */
  readonly hostsExpected?: readonly { readonly hostId: string; readonly version: number }[];
  /**
   * Hosts to forget, with their places in aggregates, their claims and machines. The result is `inUse` while
   * a host owns an instance that is not deleted, or, unless `parked`, while anything is claimed on it. Parked
   * claims go only with a fenced host, which `fencesExpected` has to state. `conflict` when an operation of
   * the host would stay under way. Host leases are kept: a host that comes back must clean up like any other
   * fenced host.
   */
  readonly hostsRemoved?: readonly { readonly hostId: string; readonly parked: boolean }[];
  /**
   * Builds that ended in a running guest, and builds that failed by their host's fault, in this order. A host
   * that does not exist (any more) is skipped. Project and image are those of a failed build.
   */
  readonly buildsEnded?: readonly {
    readonly hostId: string;
    readonly failed: boolean;
    readonly project?: string;
    readonly imageId?: string;
  }[];
  /**
   * New host leases: a host's first, or one lease epoch above its fenced one. `conflict` when neither holds.
   */
  readonly leasesGranted?: readonly { readonly hostId: string; readonly leaseEpoch: number }[];
  /**
   * Host leases to end. `renewals`: end it only if its count of renewals is still this; null: whatever the
   * count. `conflict` when the lease is not held, or its count is another.
   */
  readonly leasesFenced?: readonly {
    readonly hostId: string;
    readonly leaseEpoch: number;
    readonly renewals: number | null;
    readonly proof: FenceProof;
  }[];
  /**
   * Hosts that must be fenced, at this lease epoch, for this commit to happen. `conflict` when one is not.
   */
  readonly fencesExpected?: readonly { readonly hostId: string; readonly leaseEpoch: number }[];
  readonly events?: readonly NewEvent[];
}

export type CommitResult =
  | {
      readonly kind: "committed" /** Number of the commit's last event; 0 when it had none. */;
      readonly lastSequence: number;
    }
  /**
   * The request id is known: give the answer that was given then (or ALREADY_EXISTS when the hash differs).
   */
  | { readonly kind: "duplicate"; readonly request: RequestRecord }
  /** A row was not at the expected version: load it again and decide again. */
  | { readonly kind: "conflict" }
  /**
   * The claim does not fit, or its host is gone, disabled, holds another host lease, or is not in the zone
   * that its instance asks for (any more): try the next host.
   */
  | { readonly kind: "hostFull"; readonly hostId: string }
  /** A name is taken. */
  | { readonly kind: "nameTaken" }
  /**
   * What is to be changed, removed, joined or used does not exist (any more): the noun and the id of the
   * first such. A new instance needs its flavor (`row.flavor.id`), its image (`row.image.id`) and its group.
   * An image that its project may not use is missing; `because`: the project may, but the image is not
   * active, needs more than the flavor has, or has other properties than its copy in the instance.
   */
  | {
      readonly kind: "missing";
      readonly noun: string;
      readonly id: string;
      readonly because?: "inactive" | "needsMore" | "changed";
    }
  /** The row to remove is still used: by an instance, by a host of an aggregate, or by another row. */
  | { readonly kind: "inUse" }
  | PlacementRefusal;

/** What would become of a commit: it is possible, or what it would be refused with. */
export type Rehearsed = { readonly kind: "possible" } | Exclude<CommitResult, { readonly kind: "committed" }>;
