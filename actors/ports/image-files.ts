/**
 * The port for the files of images, each kept under its checksum, so that images with the same content share
 * one. A file stays as long as the row of an image names it, or a registration that is not decided yet holds
 * it. Only the row counts: this port must never be asked whether an image exists.
 */
import type { DiskFormat, ImageDisk, ImageFile } from "../../protocol/image.ts";

export interface FileSource {
  readonly path: string;
  readonly sha256?: string;
  readonly sizeBytes?: number;
}

export interface DiskSource extends FileSource {
  readonly format: DiskFormat;
  /**
   * The hypervisor whose guests boot from the disk; null: any. Absent: none does, for they have a kernel, and
   * the disk may hold anything.
   */
  readonly bootedBy?: string | null;
}

export interface KeptFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** When it was taken; wall clock. */
  readonly keptAtMs: number;
  /**
   * True: a removal that died half-way has put the file aside; `removeUnnamed` puts it back, or completes the
   * removal.
   */
  readonly aside: boolean;
}

/** The hold of a registration, under way or dead, for the image that is to have this id. */
export interface FileHold {
  readonly imageId: string;
  readonly sha256: string;
  /** Wall clock. */
  readonly heldAtMs: number;
}

/** Reads the checksums that rows of images name; every row is read after the call. */
export type NamedFiles = () => Promise<ReadonlySet<string>>;

/**
 * Keeps image files. Several controllers may share them, or each has its own. Every verb is idempotent, and
 * safe beside any other of any process.
 */
export interface ImageFiles {
  /**
   * Takes a file and holds it for the image that is to name it, until `release`. @throws unusableImage,
   * checksumMismatch, diskFull
   */
  register(source: DiskSource, imageId: string): Promise<ImageDisk>;
  /** As `register`, for a kernel or ramdisk. */
  registerPlain(source: FileSource, imageId: string): Promise<ImageFile>;
  /**
   * Releases the files held for the image, whose row is written by now, or never will be; answers their
   * checksums.
   */
  release(imageId: string): Promise<readonly string[]>;
  list(): Promise<{ readonly files: readonly KeptFile[]; readonly holds: readonly FileHold[] }>;
  /**
   * Removes those of the files that no registration holds and no row names; answers their checksums. It
   * checks again when a file is put aside, before it is gone: a file that was named or held in between is put
   * back.
   */
  removeUnnamed(sha256s: readonly string[], named: NamedFiles): Promise<readonly string[]>;
  /** Removes half copies that were not written to for storageLimits.imageHoldMs: their writer has died. */
  removeHalfCopies(): Promise<void>;
}
