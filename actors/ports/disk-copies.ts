/**
 * The port for copies of root disks on their way to an image: one file that depends on nothing, made on the
 * guest's host and sent from there. A copy is part of no guest: what is left of one that was not completed
 * may always be removed. Types only.
 */

export interface CopyName {
  /** The image that it is made for; a host has one copy for each. */
  readonly imageId: string;
  readonly instanceId: string;
  readonly ownerEpoch: number;
}

/** `base`: checksum of the image below the disk, which its guest may read; null: there is none. */
export interface CopyOf extends CopyName {
  readonly base: string | null;
}

export interface KeptCopy extends CopyName {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Where a copy is sent: to one upload, from where it goes on. */
export interface CopyWay {
  readonly url: string;
  /** It must never come into a log, an event or an argument. */
  readonly ticket: string;
  readonly nextOffset: number;
}

/** Every verb is idempotent, and ends early with an AbortError when its signal is aborted. */
export interface DiskCopies {
  /**
   * Makes the empty file that the guest's hypervisor is to fill, and answers its path. One for each guest:
   * what is there of an earlier copy goes. @throws diskMissing, diskFull
   */
  prepare(of: CopyOf, signal: AbortSignal): Promise<string>;
  /**
   * Makes the copy of a guest that is down, by a tool that may open what that guest's process might.
   * @throws diskMissing, diskFull, toolFailed, operationTimeout
   */
  fill(of: CopyOf, signal: AbortSignal): Promise<void>;
  /**
   * Bytes that copies may still take of their file system. Absent: nobody looks while a hypervisor fills one;
   * `fill` looks by itself. @throws diskFull when no more may be taken
   */
  leftBytes?(): Promise<number>;
  /** Takes what was filled from the guest, and keeps it until `remove`. @throws diskMissing, diskFull */
  keep(of: CopyName, signal: AbortSignal): Promise<KeptCopy>;
  /** All copies that are whole, whichever life of the agent kept them. */
  kept(): Promise<readonly KeptCopy[]>;
  /** Sends what is kept from an offset on. @throws what its receiver refused; copyLost when it is gone */
  send(imageId: string, way: CopyWay, signal: AbortSignal): Promise<void>;
  remove(imageId: string): Promise<void>;
  /** Removes what an earlier copy of the guest has left in its directory. */
  clear(instanceId: string): Promise<void>;
  /** Guests with such leftovers. */
  leftovers(): Promise<readonly string[]>;
}
