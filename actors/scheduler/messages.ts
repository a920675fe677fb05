/** What the scheduler is told and asked. Types only. */

import type { ImageProperties } from "../../protocol/image.ts";
import type { HostVerdict } from "../../protocol/instance.ts";
import type { Denial } from "../../protocol/status.ts";
import type { HostRecord } from "../runtime/records.ts";
import type { Reply } from "../runtime/system.ts";

/** What something has, takes or leaves of a host. */
export interface Amounts {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

/** What is to be placed. */
export interface PlacementRequest extends Amounts {
  readonly image: ImageProperties;
  /** Hosts that failed this build already, with what happened there. */
  readonly excluded: readonly { readonly hostId: string; readonly reason: string }[];
  readonly project?: string;
  readonly availabilityZone?: string;
  /** Of the flavor. */
  readonly extraSpecs?: Readonly<Record<string, string>>;
  readonly hints?: PlacementHints;
  readonly group?: GroupOfRequest;
  /** Hosts with this storage can open the disks that are there already. */
  readonly storageId?: string;
}

export interface PlacementHints {
  /** Ids of hosts. */
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  /** An operator chose it. */
  readonly hostId?: string;
}

export interface GroupOfRequest {
  readonly id: string;
  readonly policy: "affinity" | "anti-affinity" | "soft-affinity" | "soft-anti-affinity";
  /** The host of each present member, repetitions allowed. */
  readonly hostIds: readonly string[];
  readonly maxPerHost?: number;
}

export interface Candidate {
  readonly hostId: string;
  readonly score: number;
}

/** Best first, at most limits.candidatesMax. Never empty: no host at all is a denial. */
export type Ranking =
  | { readonly kind: "ranked"; readonly candidates: readonly Candidate[] }
  /** noValidHost; its details are HostVerdict[]. */
  | { readonly kind: "denied"; readonly denial: Denial };

/**
 * One list of candidates for each of `count` equal instances, each as if those before it were placed on their
 * first.
 */
export type Rankings =
  | { readonly kind: "ranked"; readonly candidates: readonly (readonly Candidate[])[] }
  | { readonly kind: "denied"; readonly denial: Denial };

export interface RankQuestion {
  readonly kind: "rank";
  readonly request: PlacementRequest;
  readonly reply: Reply<Ranking>;
}

export interface RankManyQuestion {
  readonly kind: "rankMany";
  readonly request: PlacementRequest;
  readonly count: number;
  /** Fewer than `count` are well, but so many there must be; absent: all of them. */
  readonly atLeast?: number;
  readonly reply: Reply<Rankings>;
}

export interface ExplainQuestion {
  readonly kind: "explain";
  readonly request: PlacementRequest;
  readonly reply: Reply<readonly HostVerdict[]>;
}

/** Ids of the hosts that were heard from within limits.hostSilentMs. */
export interface AliveQuestion {
  readonly kind: "alive";
  readonly reply: Reply<ReadonlySet<string>>;
}

export type Question = RankQuestion | RankManyQuestion | ExplainQuestion | AliveQuestion;

export interface WaitingQuestion {
  readonly question: Question;
  readonly askedAtMs: number;
}

export type SchedulerMessage =
  | Question
  /** A host gave a sign of life to this controller. */
  | { readonly kind: "heard"; readonly hostId: string }
  /** A commit of this controller claimed so much of the host. */
  | { readonly kind: "claimed"; readonly hostId: string; readonly amounts: Amounts }
  | { readonly kind: "released"; readonly hostId: string; readonly amounts: Amounts }
  /** A commit said hostFull: the view is too old. */
  | { readonly kind: "full"; readonly hostId: string }
  /**
   * Something about hosts changed in the store (registered, enabled, disabled): read it now, not in a second.
   */
  | { readonly kind: "hostsChanged" }
  /** The period has passed. */
  | { readonly kind: "tick" }
  /** A read that began at `readAtMs` (monotonic) and ended at `nowMs` of the wall clock. */
  | {
      readonly kind: "refresh";
      readonly hosts: readonly HostRecord[];
      readonly readAtMs: number;
      readonly wallMs: number;
    }
  | { readonly kind: "refreshFailed" };
