/** Root disks and the cache of base images, as the machine actor sees them. Types only. */
import type { ImageFile } from "../../protocol/image.ts";
import type { MachineSpec, SharedDisk } from "../../protocol/machine.ts";
import type { NetworkPicture } from "../../protocol/networking.ts";
import type { DiskCopies } from "./disk-copies.ts";
import type { GuestPaths } from "./hypervisor.ts";

/**
 * Root disks and the cache of base images. Every verb is idempotent. @throws diskFull, imageMissing,
 * checksumMismatch, diskMissing, staleEpoch
 */
export interface Disks {
  /** Config drives are made. Absent: none is. */
  readonly configDrives?: boolean;
  /** Ephemeral and swap disks are made. Absent: guests that are to have some are not started here. */
  readonly localDisks?: boolean;
  /** Copies of root disks. Absent: none is made here. */
  readonly copies?: DiskCopies;
  /**
   * Makes whatever is missing of the guest's directory, cached image, overlay and local disks; keeps those
   * that are there.
   * With `takesOverDisk` the disk of the highest lower owner epoch is renamed to this owner epoch, so that
   * its old name is gone; if there is no such disk, it fails and makes nothing. The config drive is made anew
   * each time, by what the guest is told now; a guest that runs keeps the one that it was started with.
   * `networks`: asked for the drive of a guest with interfaces; answers pictures that have its ports.
   */
  ensure(spec: MachineSpec, signal: AbortSignal, networks?: GuestNetworks): Promise<GuestPaths>;
  /**
   * The path on this host of an image's disk, verified, which a volume of the instance is made of at once.
   * Absent: volumes are made of no images here. @throws imageMissing, checksumMismatch, diskFull; AbortError
   */
  image?(disk: ImageFile & { readonly instanceId: string }, signal: AbortSignal): Promise<string>;
  /**
   * Removes the guest's directory with all files in it, if it is of this owner epoch or an earlier one.
   * `epoch` absent: of whatever owner epoch this host has. The cached image stays, and so does the disk of a
   * later owner epoch.
   */
  release(instanceId: string, ownerEpoch?: number, options?: ReleaseOptions): Promise<void>;
  /**
   * Brings what is cached back within its bounds; false: guests need too much of it. Absent: nothing is
   * cached.
   */
  tidy?(): Promise<boolean>;
  /** Instance ids that have a directory, with the names of their files. */
  list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]>;
  /**
   * All disks on this host's shared storage, whichever host owns them, in order of instance and owner epoch;
   * empty when the host shares no storage.
   */
  listShared(): Promise<readonly SharedDisk[]>;
  /**
   * Removes the instance's disks of this owner epoch and of earlier ones from the shared storage. This host's
   * own directories stay.
   */
  releaseShared(instanceId: string, ownerEpoch: number): Promise<void>;
}

export type GuestNetworks = () => Promise<readonly NetworkPicture[]>;

export interface ReleaseOptions {
  /** True: the disk on the shared storage stays, for the next owner. */
  readonly keepDisk: boolean;
}
