/**
 * A storage of volumes, as the worker on a host sees it. What it hands to a hypervisor is a file, a block
 * device, or a socket of a process on the host that reaches the storage. Types only.
 */
import type { Keeper } from "./keeper.ts";

export interface VolumeStorageFacts {
  /** The driver's name. */
  readonly kind: string;
  /** Hosts with the same id see the same volumes; null: no other host sees them. */
  readonly storageId: string | null;
  readonly multiattach: boolean;
  readonly thin: boolean;
  readonly extendsOnline: boolean;
  /**
   * How the owner of an earlier epoch is kept out. `rename`: the path of that epoch is gone, but a process
   * that has the volume open writes on, and must be proved gone first. `blocklist`: the storage itself
   * refuses what that process writes. Absent: `rename`.
   */
  readonly fencing?: "rename" | "blocklist";
  /** What a new volume can be made of. Absent: nothing, each is empty at first. */
  readonly sources?: readonly VolumeSource["kind"][];
}

/** What a new volume has in it from the beginning. It depends on nothing afterwards. */
export type VolumeSource =
  /** A file of this host that stands alone, and was inspected as an image of exactly this format. */
  | { readonly kind: "image"; readonly path: string; readonly format: BlockDevice["format"] }
  /** A volume of the same storage that nobody has open, and nobody will have until the new one is made. */
  | { readonly kind: "volume"; readonly volumeId: string; readonly epoch: number };

/** How full a storage is. */
export interface VolumeUsage {
  /** All that there could be. */
  readonly capacityBytes: number;
  readonly freeBytes: number;
  /** The sizes of its volumes. */
  readonly promisedBytes: number;
  /** Room that the volumes take up now. */
  readonly allocatedBytes: number;
}

/** What a hypervisor opens. The format is always told and never probed. */
export interface BlockDevice {
  /**
   * `nbd`: the path is that of a Unix socket on this host, at which a process offers the volume by NBD, as
   * its only export, without a name. Who starts the hypervisor gives it the socket, which nobody else can
   * connect to then. For storages that a hypervisor cannot reach by itself, or must not.
   */
  readonly kind: "file" | "device" | "nbd";
  readonly path: string;
  readonly format: "raw" | "qcow2";
  readonly mode: "readWrite" | "readOnly";
  /** True: it is opened past the page cache, so that nothing is written back later. Absent: false. */
  readonly direct?: boolean;
}

export interface KeptVolume {
  readonly volumeId: string;
  readonly epoch: number;
  readonly sizeBytes: number;
  readonly allocatedBytes: number;
  /** False: it is half made, or half removed. */
  readonly whole: boolean;
}

/** Some of the volumes of a storage, in the order of their ids; those of one id are on one page. */
export interface VolumePage {
  readonly volumes: readonly KeptVolume[];
  /** The next page is that after this id. Absent: it was the last one. */
  readonly next?: string;
}

export interface WantedVolume {
  readonly epoch: number;
  readonly sizeBytes: number;
  /** Not smaller than what it has in it, and one of `sources`. Absent: the volume is empty. */
  readonly source?: VolumeSource;
}

/** For whom a volume is opened. */
export interface VolumeUse {
  readonly instanceId: string;
  /** The owner epoch of the instance, not of the volume. */
  readonly ownerEpoch: number;
  /** The volume's. */
  readonly epoch: number;
  /** True: the volume of the highest lower epoch becomes one of this epoch, and its old path is gone. */
  readonly takesOver: boolean;
  readonly mode: BlockDevice["mode"];
}

/** What is open for a guest. */
export interface OpenVolumes {
  readonly instanceId: string;
  /** What is open for a later owner epoch stays as well. */
  readonly ownerEpoch: number;
  readonly volumes: readonly { readonly volumeId: string; readonly epoch: number }[];
}

/**
 * Every verb is idempotent by id and epoch, and leaves nothing half-made when it fails. As a keeper it lists
 * what is open for guests of this host, and to release that is to close it: volumes themselves belong to no
 * host's guest. A storage that does not answer keeps nobody waiting for long: what is asked of it fails, also
 * what is asked until it answers again. @throws StatusError diskFull, diskMissing, staleEpoch,
 * hypervisorRefused, storageUnknown
 */
export interface VolumeStorage extends Keeper {
  facts(): Promise<VolumeStorageFacts>;
  /** A volume of a lower epoch is never replaced: that is refused. */
  create(volumeId: string, wanted: WantedVolume, signal: AbortSignal): Promise<void>;
  /** Makes of the volume what a hypervisor can open for this guest; open until it is released. */
  open(volumeId: string, use: VolumeUse, signal: AbortSignal): Promise<BlockDevice>;
  /** Answers the size of the volume afterwards: a larger volume keeps its size. */
  extend(volumeId: string, wanted: WantedVolume, signal: AbortSignal): Promise<number>;
  /** Forgets that volumes are open for a guest of this host, whose process has closed them; these stay. */
  releaseOthers(of: OpenVolumes, signal: AbortSignal): Promise<void>;
  /** Removes the volume, if it is of this epoch or an earlier one. */
  remove(volumeId: string, epoch: number, signal: AbortSignal): Promise<void>;
  volumes(): Promise<readonly KeptVolume[]>;
  /** Those after this id, of at most so many ids. Absent: it cannot say some without looking at all. */
  page?(after: string | undefined, volumesMax: number): Promise<VolumePage>;
  /** Absent: it does not know. */
  usage?(): Promise<VolumeUsage>;
}
