/** What the scheduler is told and asked. Types only. */

import type { ImageProperties } from "../../../protocol/image.ts";
import type { HostVerdict } from "../../../protocol/instance.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Reply } from "../../runtime/system.ts";

/** What something has, takes or leaves of a host. */
export interface Amounts {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

/** What a claim takes: the amounts, and by the extra specs CPUs of its own and large pages. */
export interface Claim extends Amounts {
  /** The flavor's, in Nova's names: `hw:cpu_policy`, `trait:…`, `capabilities:…` and so on. */
  readonly extraSpecs?: Readonly<Record<string, string>>;
  /** What it takes of the host's cells, once that is chosen. */
  readonly numa?: NumaPlacement;
}

/** What is to be placed. What is absent is not asked for. */
export interface PlacementRequest extends Claim {
  readonly image: ImageProperties;
  /** Hosts that failed this build already, with what happened there. */
  readonly excluded: readonly { readonly hostId: string; readonly reason: string }[];
  readonly project?: string;
  /** The flavor's name, for aggregates that are kept for some. */
  readonly flavor?: string;
  readonly availabilityZone?: string;
  /** The image's further properties, in Nova's names: `hw_machine_type`, `trait:…`. */
  readonly imageProperties?: Readonly<Record<string, string>>;
  readonly hints?: Hints;
  readonly group?: GroupMembership;
  /** The disk of an instance that exists is in this storage, and only its hosts can open it. */
  readonly storageId?: string;
}

/** Wishes of the one who asks; all ids are those of hosts. */
export interface Hints {
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  /** This host and no other; an operator's wish. The other filters are asked all the same. */
  readonly hostId?: string;
}

export type GroupPolicy = "affinity" | "anti-affinity" | "soft-affinity" | "soft-anti-affinity";

/** The server group that the instance is to be a member of. */
export interface GroupMembership {
  readonly id: string;
  readonly policy: GroupPolicy;
  /** The host of each member that has one, with repetitions. Without the instance's own when it is moved. */
  readonly hostIds: readonly string[];
  /** For anti-affinity: members on one host; absent: one. */
  readonly maxPerHost?: number;
}

export interface Candidate {
  readonly hostId: string;
  readonly score: number;
  /** What the request gets of its cells; absent: it asks for nothing of the kind. */
  readonly numa?: NumaPlacement;
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
  | {
      readonly kind: "ranked";
      readonly candidates: readonly (readonly Candidate[])[];
      /** Why there are fewer than were asked for; only when as many as fit were. */
      readonly rest?: Denial;
    }
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
  /** Absent: all, or none. */
  readonly as?: "all" | "asManyAsFit";
  /** With `asManyAsFit`: fewer than these are a denial. Absent: 1. */
  readonly countMin?: number;
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
  /** Nobody could be heard for a while, and now can: silence before this moment proves nothing. */
  | { readonly kind: "cutOff" }
  /** A commit of this controller claimed so much of the host. */
  | { readonly kind: "claimed"; readonly hostId: string; readonly amounts: Claim }
  | { readonly kind: "released"; readonly hostId: string; readonly amounts: Claim }
  /** A commit said hostFull: the view is too old. */
  | { readonly kind: "full"; readonly hostId: string }
  /**
   * Something about hosts changed in the store (registered, enabled, disabled): read it now, not in a second.
   */
  | { readonly kind: "hostsChanged" }
  /** The period has passed. */
  | { readonly kind: "tick" }
  /** A read that began at `readAtMs` (monotonic) and ended at `wallMs` of the wall clock. */
  | {
      readonly kind: "refresh";
      readonly hosts: readonly HostRecord[];
      readonly readAtMs: number;
      readonly wallMs: number;
      /** Somebody else reads the hosts as often, and tells: as long as it does, no read of its own is due. */
      readonly told?: boolean;
    }
  | { readonly kind: "refreshFailed" };
