/**
 * What the actor of a host hears, and which effects its decisions ask for. Data only.
 *
 * What was read beside the rows comes with the event, and so do ids and times, so that a decision is a
 * function of its arguments alone.
 */
import type { Drain, Host } from "../../../protocol/host.ts";
import type { ImagePeer } from "../../../protocol/image-peer.ts";
import type { Operation } from "../../../protocol/operation.ts";
import type { Space } from "../../../protocol/space.ts";
import type { VolumeStorageState } from "../../../protocol/volume-storage.ts";
import type { ErrorBody } from "../../../protocol/wire/status.ts";
import type { Whereabouts } from "../../ports/instance-reads.ts";
import type { PowerProof } from "../../ports/power.ts";
import type { HostRecord, LoadedHost } from "../../records/host.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import type { Decision, RequestFacts } from "../../runtime/decision.ts";
import type { Reply } from "../../runtime/system.ts";
import type { HostPlacement } from "../instance/messages.ts";

/** What a controller knows of a host beside its row. */
export interface Seen {
  readonly alive: boolean;
  /** Time since this controller last saw a renewal of the host lease; undefined: it does not know yet. */
  readonly silentMs: number | undefined;
  /** The host's file systems; undefined: this controller does not know them. */
  readonly spaces: readonly Space[] | undefined;
  /** The storages of its volumes; undefined: this controller does not know them. */
  readonly volumeStorages?: readonly VolumeStorageState[] | undefined;
  /** The images that it gives to other hosts; undefined: this controller does not know of any. */
  readonly imagePeer?: ImagePeer | undefined;
}

/** What is on a host. */
export interface OnHost {
  /** Instances that the host owns, in order of id. */
  readonly owned: readonly InstanceRecord[];
  /**
   * Ids of instances that the host does not own any more, but whose `gone` it has not reported. Without those
   * to be deleted.
   */
  readonly leaving: readonly string[];
  /** Number of instances to be deleted that the host does not own any more, and still has something of. */
  readonly deleting: number;
}

export interface FenceWords {
  readonly confirm: string;
  readonly reason?: string;
  readonly power?: boolean;
  readonly claimedBy?: string;
  readonly force?: boolean;
}

/** What is asked of a host, with what was read for it. */
export type HostCommand =
  | { readonly command: "enable" }
  | { readonly command: "disable"; readonly reason: string }
  | {
      readonly command: "drain";
      readonly reason: string;
      readonly parallelism?: number;
      readonly there: OnHost;
      /**
       * The instances that a drain under way began with and that are not deleted; absent: unknown, or none.
       */
      readonly living?: readonly Whereabouts[];
    }
  | {
      readonly command: "fence";
      readonly words: FenceWords;
      /** Whether a power controller of the host is configured. */
      readonly powered: boolean;
    }
  /** Nothing is on the host that would keep it: the commit looks again. */
  | { readonly command: "remove" };

export interface CommandEvent {
  readonly kind: "command";
  readonly asked: HostCommand;
  readonly request: RequestFacts;
  /** The host's row as it was read for the command: what it shows beside its actor's part is of then. */
  readonly found: HostRecord;
  readonly seen: Seen;
  readonly operationId: string;
  readonly nowMs: number;
}

/** A nudge: is a drain or a fence under way, and does it still make sense? */
export interface LookEvent {
  readonly kind: "look";
  readonly nowMs: number;
}

/** What a survey of a drained host has found. */
export interface Survey {
  readonly there: OnHost;
  /** The instances that were there when the drain began and that are not deleted; absent: too many. */
  readonly living?: readonly Whereabouts[];
  /** Instances that can leave now, in this order, with room elsewhere; null: it is stopped and needs none. */
  readonly rooms: readonly { readonly instance: InstanceRecord; readonly to: HostPlacement | null }[];
  /** By instance: why it may leave and cannot. */
  readonly obstacles: ReadonlyMap<string, string>;
  /** Instances that were asked to leave before, and are still there. */
  readonly asked: ReadonlySet<string>;
}

export interface SurveyedEvent {
  readonly kind: "surveyed";
  readonly survey: Survey;
  /** For a drain that a controller from before there were operations has begun. */
  readonly operationId: string;
  readonly nowMs: number;
}

/** The power controller has answered. */
export interface PoweredEvent {
  readonly kind: "powered";
  readonly operationId: string;
  readonly said: { readonly proof: PowerProof } | { readonly error: ErrorBody };
  /** Time since the answer, on the monotonic clock. */
  readonly sinceMs: number;
  /** The count of renewals as it was read first after the answer. */
  readonly renewals: number | undefined;
  readonly nowMs: number;
}

export type HostEvent = CommandEvent | LookEvent | SurveyedEvent | PoweredEvent;

/** Each may be done twice, or be lost: the next nudge asks for it again. */
export type HostEffect =
  /** Look what is on the host, and for whom there is room elsewhere. */
  | { readonly kind: "survey"; readonly host: HostRecord }
  | { readonly kind: "move"; readonly instanceId: string; readonly to: HostPlacement | null }
  /** Have the power controller switch the host off, for this operation. */
  | { readonly kind: "switchOff"; readonly hostName: string; readonly operationId: string }
  /** Others have to read the hosts anew. */
  | { readonly kind: "tellOfHosts" }
  /** The host is gone, and so is its drain. */
  | { readonly kind: "forget" };

export type HostDecision = Decision<LoadedHost, HostEffect>;

/** The answer to every command: an answer of a method has some of it. */
export interface HostAnswer {
  readonly host: Host;
  readonly drain?: Drain;
  readonly operation?: Operation;
}

/** The messages of the mailbox. Questions carry their reply. */
export type HostMessage =
  | {
      readonly kind: "command";
      readonly asked: HostCommand;
      readonly request: RequestFacts;
      readonly found: HostRecord;
      readonly reply: Reply<HostAnswer>;
    }
  | { readonly kind: "look" }
  | { readonly kind: "surveyed"; readonly survey: Survey }
  | {
      readonly kind: "powered";
      readonly operationId: string;
      readonly said: PoweredEvent["said"];
      /** When it was answered, on the monotonic clock. */
      readonly atMs: number;
    }
  | { readonly kind: "reload" };
