/**
 * The two halves of a controller, and what they tell each other. The safety channel hears the hosts, counts
 * the renewals of their leases and fences; the actors serve the commands. They share no connection and no
 * event loop, so that no command can delay a renewal (decision 0025). Types only.
 */
import type { ImagePeer } from "../../../protocol/image-peer.ts";
import type { ImageTicketAnswer } from "../../../protocol/image-ticket.ts";
import type { Observation, ReportedDeed } from "../../../protocol/machine.ts";
import type { HostNetworkingAnswer } from "../../../protocol/networking.ts";
import type { Space } from "../../../protocol/space.ts";
import type { VolumeStorageState } from "../../../protocol/volume-storage.ts";
import type { LeftOut } from "../../../protocol/wire/understood.ts";
import type { CommitHint } from "../request/commits.ts";
import type { Brake } from "./brake.ts";

/** A host's report of its machines, for the actors of their instances. */
export interface MachineReport {
  readonly hostId: string;
  /** Of the host lease that the host held; 0: none. */
  readonly leaseEpoch: number;
  readonly machines: readonly Observation[];
  /** Entries that could not be understood, and are not in `machines`. Absent: none. */
  readonly leftOut?: LeftOut;
  /** True: these are all machines of the host. */
  readonly complete: boolean;
  /** How long the host waits for the answer. */
  readonly timeoutMs: number;
}

/** What the guard of a host did, for the events of its instances. */
export interface GuardReport {
  readonly hostId: string;
  readonly bootId: string;
  readonly deeds: readonly ReportedDeed[];
  /** How long the host waits for the answer. */
  readonly timeoutMs: number;
}

/** A host's question for what it has to know of networks. */
export interface NetworkPull {
  readonly hostId: string;
  /** Hashes of the parts that it has. */
  readonly have: readonly string[];
  /** How long the host waits for the answer. */
  readonly timeoutMs: number;
}

/** A host's question where it gets the bytes of an image. */
export interface ImageQuestion {
  readonly hostId: string;
  readonly instanceId: string;
  readonly sha256: string;
  /** As in the host's question. */
  readonly peers?: { readonly notFrom: readonly string[] } | undefined;
  /** How long the host waits for the answer. */
  readonly timeoutMs: number;
}

/** What a host tells of itself in a heartbeat; what is absent it does not tell. */
export interface HostSaid {
  /** Its file systems. */
  readonly spaces?: readonly Space[] | undefined;
  /** The storages of its volumes. */
  readonly storages?: readonly VolumeStorageState[] | undefined;
  /** The images that it gives to other hosts. */
  readonly imagePeer?: ImagePeer | undefined;
}

/** What the fencer saw in its last round. */
export interface LeasesSeen {
  readonly brake: Brake;
  /** Time since a renewal of the host's lease was last seen, by host id. */
  readonly silentMs: readonly (readonly [hostId: string, silentMs: number])[];
}

/** The same, and what else the safety channel has seen. */
export interface FleetPicture extends LeasesSeen {
  /** Ids of hosts that have just reported more than they may (report-budgets.ts). */
  readonly excessive: readonly string[];
}

/**
 * The actors' half, as the safety channel sees it. It may be slow, or not answer at all: whoever calls it
 * waits for a bounded time, and a lease never depends on the answer.
 */
export interface FleetAudience {
  /** Answers the ids of the instances whose observation is durable. */
  observed(report: MachineReport): Promise<readonly string[]>;
  /** True when events tell of all that the host's guard did; false: not yet, the host has to say it again. */
  guarded(report: GuardReport): Promise<boolean>;
  /** @throws UNAVAILABLE storeUnavailable */
  networking(pull: NetworkPull): Promise<HostNetworkingAnswer>;
  /** Null: the host is to run no such instance, or not of that image. @throws UNAVAILABLE storeUnavailable */
  imageTicket(question: ImageQuestion): Promise<ImageTicketAnswer | null>;
  /** A sign of life, with what the host tells of itself. */
  heard(hostId: string, said?: HostSaid): void;
  /** Hosts were registered, fenced, or given a lease. Resolves when the actors know it. */
  hostsChanged(): Promise<void>;
  /** The safety channel has committed something that has events. */
  committed(hint: CommitHint): void;
  /** No host could be heard until now. */
  cutOff(): void;
  looked(picture: FleetPicture): void;
}

/** The safety channel, as the actors' half sees it. */
export interface SafetyChannel {
  /** Answers what it has taken, then ends. */
  stop(): Promise<void>;
}

/** Starts the safety channel; resolves when it hears hosts. */
export type OpenSafety = (audience: FleetAudience) => Promise<SafetyChannel>;
