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

export interface KeptFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** When it was taken; wall clock. */
  readonly keptAtMs: number;
  /** A removal that ended half-way has put it aside: `removeUnnamed` puts it back, or ends the removal. */
  readonly aside: boolean;
}

/** A registration under way, or one that died, of the image that would have this id. */
export interface FileHold {
  readonly imageId: string;
  readonly sha256: string;
  /** Wall clock. */
  readonly heldAtMs: number;
}

/** The checksums that rows of images name, all read after it was called. */
export type NamedFiles = () => Promise<ReadonlySet<string>>;

/**
 * Several controllers may have the same files, or each its own. Every verb is idempotent, and safe at the
 * same time as any other of any process.
 */
export interface ImageFiles {
  /**
   * Takes a file and holds it for the image that is to name it, until `release`.
   * @throws unusableImage, checksumMismatch, diskFull
   */
  register(source: FileSource & { readonly format: DiskFormat }, imageId: string): Promise<ImageDisk>;
  /** The same for a kernel or ramdisk. */
  registerPlain(source: FileSource, imageId: string): Promise<ImageFile>;
  /**
   * Lets go of what was held for the image, whose row is written by now, or never will be; answers the
   * checksums.
   */
  release(imageId: string): Promise<readonly string[]>;
  list(): Promise<{ readonly files: readonly KeptFile[]; readonly holds: readonly FileHold[] }>;
  /**
   * Removes those of the files that nobody holds or names; answers which. It looks again after each file is
   * out of the way and before it is gone: one that was named or held in between is put back.
   */
  removeUnnamed(sha256s: readonly string[], named: NamedFiles): Promise<readonly string[]>;
  /** Removes what nobody has written to for storageLimits.imageHoldMs: whoever copied it has died. */
  removeHalfCopies(): Promise<void>;
}
