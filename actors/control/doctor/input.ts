/** The doctor's input: the store's view, the hosts' answers, the time. */
import type { hostAgentService } from "../../../protocol/machine.ts";
import type { plug } from "../../../protocol/port.ts";
import type { Running } from "../../../protocol/release.ts";
import type { Space } from "../../../protocol/space.ts";
import type { deletedVolume, volume } from "../../../protocol/volume.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { AnswerOf } from "../../../protocol/wire/service.ts";
import type { LeftOut } from "../../../protocol/wire/understood.ts";
import type { ClaimTotal, StorageTotal } from "../../ports/host-reads.ts";
import type { ImageFiles } from "../../ports/image-files.ts";
import type { UploadStatus } from "../../ports/image-uploads.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { ImageRecord } from "../../records/catalog.ts";
import type { HostRecord } from "../../records/host.ts";
import type { LoadedInstance, OperationRecord } from "../../records/instance.ts";
import type { QuotaTotal } from "../../records/placement.ts";
import type { StorageListing } from "../../shared-storage/listing.ts";
import type { DiskOwner } from "../../shared-storage/ownerless.ts";
import type { VolumeFiles } from "./volume-listing.ts";

export type Audit = AnswerOf<typeof hostAgentService.methods.audit>;

export type HostAnswer =
  | {
      readonly hostId: string;
      readonly audit: Audit;
      /** Entries of its answer that could not be read, and are not in `audit`. Absent: none. */
      readonly leftOut?: LeftOut;
    }
  /** Why the host could not be asked. */
  | { readonly hostId: string; readonly error: string };

/** The disks on one shared storage and their owners; or why no host could list them. */
export type StorageState =
  | (StorageListing & { readonly owners: ReadonlyMap<string, DiskOwner> })
  | { readonly storageId: string; readonly error: string };

export type AilingSink =
  | { readonly name: string; readonly failingSinceMs: number; readonly why: string }
  | { readonly name: string /** Number of events. */; readonly missed: number };

/** What a host is to apply. */
export interface WantedNetworks {
  readonly ports: number;
  /** Number of the newest event. */
  readonly version: number;
  /** Hashes. */
  readonly parts: readonly string[];
  /** Ids of the networks of the host's guests. */
  readonly networkIds: readonly string[];
  readonly behindRouters: readonly BehindRouter[];
}

/** A router with an interface on a network of the host's guests. */
export interface BehindRouter {
  /** Ids of the guests on such networks. */
  readonly instanceIds: readonly string[];
  /** The operator's network to which it leads; null: it leads nowhere outside. */
  readonly physicalNetwork: string | null;
  /** Number of floating addresses that lead to these guests. */
  readonly floating: number;
}

export interface DoctorInput {
  /** Wall clock: deadlines of operations are compared with it. */
  readonly nowMs: number;
  /** Every instance that is not deleted. */
  readonly instances: readonly InstanceRow[];
  /**
   * Every instance that is not settled or has an operation under way, deleted ones too, with its machines and
   * claims.
   */
  readonly unsettled: readonly LoadedInstance[];
  /** Operations under way. */
  readonly operations: readonly OperationRecord[];
  readonly hosts: readonly HostRecord[];
  readonly claimTotals: readonly ClaimTotal[];
  /** Absent: they were not read. */
  readonly storageTotals?: readonly StorageTotal[];
  readonly quotaTotals: readonly QuotaTotal[];
  readonly answers: readonly HostAnswer[];
  /** What hosts with guests on networks were to apply, read after their answers. Absent: it was not read. */
  readonly networks?: readonly (WantedNetworks & { readonly hostId: string })[];
  /** What is plugged into ports, read before the instances. Absent: it was not read. */
  readonly plugs?: readonly RowOf<typeof plug>[];
  /** Read before the instances. Absent: they were not read. */
  readonly volumes?: readonly RowOf<typeof volume>[];
  readonly deletedVolumes?: readonly RowOf<typeof deletedVolume>[];
  /** What there is of volumes, by place, listed before the rows were read. Absent: nobody was asked. */
  readonly volumeFiles?: readonly VolumeFiles[];
  readonly images: readonly ImageRecord[];
  /** Those of the controller that was asked, read before the rows; or why nobody could list them. */
  readonly imageFiles: Awaited<ReturnType<ImageFiles["list"]>> | { readonly error: string };
  /** Of the controller that was asked, read before the rows. Absent: it takes none, or cannot list them. */
  readonly uploads?: { readonly server: string; readonly statuses: readonly UploadStatus[] } | undefined;
  /** Absent: no storage is shared, or no host can list it. */
  readonly storages?: readonly StorageState[];
  /** The brake on automatic recovery, as the asked controller has it. Absent: off. */
  readonly brake?: {
    readonly on: boolean;
    readonly lost: readonly { readonly name: string }[];
    readonly of: number;
  };
  /** The file systems of the controller that was asked. Absent: they are not known. */
  readonly spaces?: readonly Space[];
  /** Hosts whose reports have had entries that cannot be, a moment ago; each with one of them. */
  readonly strange?: readonly { readonly hostId: string; readonly example: string }[];
  /** Ids of hosts that have reported more than they may, a moment ago. */
  readonly excessive?: readonly string[];
  /** Sinks of events that are away, or have missed some. */
  readonly sinks?: readonly AilingSink[];
  /** Every controller that answered, the asked one first. Absent or empty: nobody has plug-ins. */
  readonly controllers?: readonly Running[];
  /** Filters and weighers of plug-ins that have failed at the asked controller a moment ago, and how. */
  readonly faults?: readonly { readonly name: string; readonly what: string }[];
  /** Hosts whose claims changed while all this was read: their sums cannot be compared. */
  readonly movingHosts: ReadonlySet<string>;
}

/** What the comparisons share, by id. */
export interface Known {
  readonly settled: ReadonlyMap<string, InstanceRow>;
  readonly unsettled: ReadonlySet<string>;
  readonly hostNames: ReadonlyMap<string, string>;
}

export const hostCalled = (known: Known, hostId: string): string =>
  `host ${known.hostNames.get(hostId) ?? hostId}`;
