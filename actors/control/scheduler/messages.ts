/** The scheduler's messages: news and questions. Types only. */

import type { ImageProperties } from "../../../protocol/image.ts";
import type { HostVerdict } from "../../../protocol/instance.ts";
import type { NumaPlacement } from "../../../protocol/numa.ts";
import type { MachineShape } from "../../../protocol/shape.ts";
import type { Space } from "../../../protocol/space.ts";
import type { Denial } from "../../../protocol/wire/status.ts";
import type { HostRecord } from "../../records/host.ts";
import type { Reply } from "../../runtime/system.ts";

/** Amounts of a host's resources. */
export interface Amounts {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly diskGib: number;
}

/** What a claim takes: the amounts and, by its extra specs, pinned CPUs and large pages. */
export interface Claim extends Amounts {
  /** The flavor's, in Nova's names: `hw:cpu_policy`, `trait:…`, `capabilities:…` and so on. */
  readonly extraSpecs?: Readonly<Record<string, string>>;
  /** What it takes of the host's NUMA nodes, once these are chosen. */
  readonly numa?: NumaPlacement;
}

/**
 * Disk in GiB that instances placed earlier in the same request take of a storage that hosts share, by the id
 * of the storage: it grows as many are placed.
 */
export type Stored = ReadonlyMap<string, number>;

/** What the networks of a guest carry. */
export interface Packets {
  /** The largest of them; 0: the guest is on no network. */
  readonly mtuBytes: number;
  /** The operator's networks among them, each once; null: some is none of these. Absent: nobody asks. */
  readonly physicalNetworks?: readonly (string | null)[];
  /** Some port is to be filtered. Absent: none is, or nobody asks. */
  readonly filtered?: true;
  /** One of its ports has a bandwidth limit. Absent: none has. */
  readonly isLimited?: boolean;
}

/** Where the volumes of a guest are, each place once. */
export interface PlacedVolumes {
  readonly storageIds: readonly string[];
  /** Hosts on whose own disks they are. */
  readonly hostIds: readonly string[];
}

/** A request to place an instance. Absent fields ask for nothing. */
export interface PlacementRequest extends Claim {
  readonly image: ImageProperties;
  /** Hosts on which this build failed already, each with the reason. */
  readonly excluded: readonly { readonly hostId: string; readonly reason: string }[];
  readonly project?: string;
  /** The flavor's name, for aggregates that are reserved for some flavors. */
  readonly flavor?: string;
  readonly availabilityZone?: string;
  /** Further properties of the image, under Nova's names: `hw_machine_type`, `trait:…`. */
  readonly imageProperties?: Readonly<Record<string, string>>;
  readonly hints?: Hints;
  readonly group?: GroupMembership;
  /** The storage of the instance's existing disk: only its hosts can open the disk. */
  readonly storageId?: string;
  /** The volumes of the guest: only hosts that can open all of them. */
  readonly volumes?: PlacedVolumes;
  /** The guest is to be told about itself by a drive of its own. */
  readonly configDrive?: true;
  /** It has an ephemeral disk or a swap disk. */
  readonly localDisks?: true;
  /** Only a host with a network driver can take the instance: the create named its interfaces, be it none. */
  readonly networked?: Packets;
  /** Only a host whose ports can lead to guests can take the new instance. */
  readonly publishing?: true;
  /**
   * The shape that the instance's machine has had since its first boot: only hosts that have all of it fit.
   */
  readonly shape?: MachineShape;
}

/** The hints of a request, resolved: all ids are of hosts. */
export interface Hints {
  readonly sameHost?: readonly string[];
  readonly differentHost?: readonly string[];
  /** This host and no other, chosen by an operator. The other filters are asked all the same. */
  readonly hostId?: string;
}

export type GroupPolicy = "affinity" | "anti-affinity" | "soft-affinity" | "soft-anti-affinity";

/** The server group of which the instance is to be a member. */
export interface GroupMembership {
  readonly id: string;
  readonly policy: GroupPolicy;
  /**
   * The host of each member that has one, with repetitions. Without the host of an instance that is being
   * moved.
   */
  readonly hostIds: readonly string[];
  /** For anti-affinity: most members on one host; absent: one. */
  readonly maxPerHost?: number;
}

export interface Candidate {
  readonly hostId: string;
  readonly score: number;
  /** What the request gets of the host's NUMA nodes; absent: it asks for no NUMA placement. */
  readonly numa?: NumaPlacement;
}

/** Best first, at most schedulerLimits.candidatesMax. Never empty: no host at all is a denial. */
export type Ranking =
  | { readonly kind: "ranked"; readonly candidates: readonly Candidate[] }
  /** Reason noValidHost, with HostVerdict[] as details. */
  | { readonly kind: "denied"; readonly denial: Denial };

/**
 * One list of candidates for each of `count` equal instances, each list as if all instances before were
 * placed on the first host of theirs.
 */
export type Rankings =
  | {
      readonly kind: "ranked";
      readonly candidates: readonly (readonly Candidate[])[];
      /** With `asManyAsFit`: why there are fewer than were asked for. */
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
  /** With `asManyAsFit`: the least number; fewer are a denial. Absent: 1. */
  readonly countMin?: number;
  /**
   * Nothing will be placed: equal hosts take no turns for it. The number of turns that came before in what is
   * supposed. Absent: it is no supposition.
   */
  readonly supposed?: number;
  readonly reply: Reply<Rankings>;
}

export interface ExplainQuestion {
  readonly kind: "explain";
  readonly request: PlacementRequest;
  readonly reply: Reply<readonly HostVerdict[]>;
}

/** Ids of the hosts that were heard from within leaseLimits.hostSilentMs. */
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
  /**
   * A host gave a sign of life to this controller. `full`: its full file system; null: there is room; absent:
   * the host did not say. `room`: the file system of its guests' disks; absent: the host did not say which.
   */
  | {
      readonly kind: "heard";
      readonly hostId: string;
      readonly full?: Space | null;
      readonly room?: Space;
    }
  /** No host could be heard for a while, and now they can: silence before this moment proves nothing. */
  | { readonly kind: "cutOff" }
  /** A commit of this controller claimed this on the host. */
  | { readonly kind: "claimed"; readonly hostId: string; readonly amounts: Claim }
  | { readonly kind: "released"; readonly hostId: string; readonly amounts: Claim }
  /** A commit was refused with hostFull: the view is too old. */
  | { readonly kind: "full"; readonly hostId: string }
  /** Hosts changed in the store (registered, enabled, disabled): read them now, not in a second. */
  | { readonly kind: "hostsChanged" }
  /** The period has passed. */
  | { readonly kind: "tick" }
  /** A read that began at `readAtMs` (monotonic) and ended at `wallMs` of the wall clock. */
  | {
      readonly kind: "refresh";
      readonly hosts: readonly HostRecord[];
      readonly readAtMs: number;
      readonly wallMs: number;
      /**
       * The directory reads the hosts as often, and passes them on: as long as it does, the scheduler need
       * not read.
       */
      readonly told?: boolean;
    }
  | { readonly kind: "refreshFailed" };
