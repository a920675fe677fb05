/** Root disks and the cache of base images, as the machine actor sees them. Types only. */
import type { MachineSpec, SharedDisk } from "../../protocol/machine.ts";
import type { GuestPaths } from "./hypervisor.ts";

/**
 * Root disks and the cache of base images. Every verb is idempotent. @throws diskFull, imageMissing,
 * checksumMismatch, diskMissing, staleEpoch
 */
export interface Disks {
  /**
   * Makes what is missing of the guest's directory, cached image and overlay; keeps an existing overlay. With
   * `takesOverDisk` the disk of the highest lower epoch becomes this epoch's, and no longer has its old name;
   * where there is none it fails, and makes nothing.
   */
  ensure(spec: MachineSpec, signal: AbortSignal): Promise<GuestPaths>;
  /**
   * Removes the guest's directory and everything in it, as far as it is of this epoch or one before. Absent:
   * of the epoch that this host has. The cached image stays, and so does the disk of a later epoch.
   */
  release(instanceId: string, epoch?: number, options?: ReleaseOptions): Promise<void>;
  /** Instance ids that have a directory, with the names of their files. */
  list(): Promise<readonly { readonly instanceId: string; readonly files: readonly string[] }[]>;
  /**
   * All disks on the storage that this host shares with others, whoever has them, in order of instance and
   * epoch; none when it shares no storage.
   */
  listShared(): Promise<readonly SharedDisk[]>;
  /**
   * Removes from the shared storage the instance's disks of this epoch and of those before it. This host's
   * own directories stay.
   */
  releaseShared(instanceId: string, epoch: number): Promise<void>;
}

export interface ReleaseOptions {
  /** What is on the shared storage is the next owner's. */
  readonly keepDisk: boolean;
}
