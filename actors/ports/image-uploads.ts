/**
 * The port for the bytes of images that people send. An upload is a part file that grows at its end; whoever
 * was cut off goes on at the next offset, which every answer says. Sealing checks the whole, unpacks and
 * converts it, and keeps the result among the image files (image-files.ts), held for its image. Whether an
 * image exists, and who may send it, must never be decided here: the rows say so.
 */
import type { DiskFormat } from "../../protocol/image.ts";
import type { packings, uploadFormats } from "../../protocol/image-bytes.ts";

/** Formats that are kept as they are, and formats that are converted to qcow2. */
export type UploadFormat = (typeof uploadFormats)[number];
export type Packing = (typeof packings)[number];

export interface UploadBegin {
  /** Names the upload: the image's id, unless an image has several files. */
  readonly uploadId: string;
  /** The image that the sealed file is held for. */
  readonly imageId: string;
  readonly project: string;
  /** What may be sent at most; said again, it is as it was said last. Absent: as much as any image has. */
  readonly bytesMax?: number;
  /** The guest whose root disk is copied, and the only host that sends it. Absent: people send it. */
  readonly from?: UploadFrom;
}

export interface UploadFrom {
  readonly instanceId: string;
  readonly hostId: string;
  readonly ownerEpoch: number;
  /** When the host is given up by whoever asks it; wall clock. */
  readonly untilMs: number;
}

export interface UploadStatus extends UploadBegin {
  /** Where the next byte belongs; all before it are there, also after a crash of the process. */
  readonly nextOffset: number;
  /** When bytes last arrived; wall clock. */
  readonly writtenAtMs: number;
  /** What sealing has made of it, as long as that is kept; null: it is not sealed. */
  readonly sealed: SealedImage | null;
}

export interface SealRequest {
  /** What the file is, once it is unpacked; null: a kernel or ramdisk, whose content only guests read. */
  readonly format: UploadFormat | null;
  /** Absent: it is not packed. */
  readonly packing?: Packing;
  /** Of the bytes as they were sent; absent: not compared. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly sha512?: string;
  readonly md5?: string;
  /** As in DiskSource (image-files.ts). */
  readonly bootedBy?: string | null;
}

export interface Digests {
  readonly sha256: string;
  readonly sha512: string;
  readonly md5: string;
}

/** Of the file as it is kept, after unpacking and conversion. */
export interface SealedImage extends Digests {
  readonly sizeBytes: number;
  /** Null: a kernel or ramdisk. */
  readonly format: DiskFormat | null;
  readonly virtualSizeBytes: number | null;
}

/** Every verb is idempotent. An upload belongs to one process at a time: its controller's. */
export interface ImageUploads {
  /**
   * Begins an upload, or finds it as far as it came. @throws tooManyUploads, diskFull; alreadyExists when
   * another project has one of that name
   */
  begin(upload: UploadBegin): Promise<UploadStatus>;
  /** Null: there is none. */
  status(uploadId: string): Promise<UploadStatus | null>;
  /**
   * Adds bytes at an offset. What is there already is not written again, so a chunk may come twice.
   * @throws notFound, uploadOffset (details.nextOffset) for a gap, uploadSealed, uploadTooLarge when it grows
   * beyond what was said, unusableImage when beyond any image, diskFull: what came before stays
   */
  write(uploadId: string, offset: number, bytes: Uint8Array): Promise<UploadStatus>;
  /**
   * Checks the file and keeps it under its checksum, held for its image until `ImageFiles.release`; asked
   * again, it holds what is kept once more. A refusal leaves the part as it was.
   * @throws notFound, checksumMismatch, unusableImage, diskFull; toolFailed: nothing is known of the file;
   * AbortError
   */
  seal(uploadId: string, request: SealRequest, signal?: AbortSignal): Promise<SealedImage>;
  /** Forgets an upload: its part goes, what was sealed stays. */
  discard(uploadId: string): Promise<void>;
  list(): Promise<readonly UploadStatus[]>;
  /**
   * Discards uploads that nobody has written to, or was to write to, for storageLimits.uploadKeptMs; answers
   * their names.
   */
  sweep(): Promise<readonly string[]>;
}
