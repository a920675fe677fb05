/**
 * Uploads in memory: what arrives is kept as bytes, and sealed by the same reading of its beginning. Packed
 * files are unpacked when gzip has packed them; nothing is converted.
 */
import { gunzipSync } from "node:zlib";
import type {
  ImageUploads,
  SealedImage,
  SealRequest,
  UploadBegin,
  UploadStatus,
} from "../../actors/ports/image-uploads.ts";
import { diskFormatOf } from "../../nodes/drivers/images/foreign-format.ts";
import { checkDigests, hashing } from "../../nodes/drivers/images/uploads/digests.ts";
import { checkPacking } from "../../nodes/drivers/images/uploads/packing.ts";
import { storageLimits } from "../../protocol/limits/storage.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";

interface Upload extends UploadBegin {
  bytesMax?: number;
  bytes: Buffer;
  writtenAtMs: number;
  sealed: SealedImage | null;
}

export class MemoryImageUploads implements ImageUploads {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #uploads = new Map<string, Upload>();
  readonly #kept = new Map<string, Buffer>();
  readonly #onSealed: (sealed: SealedImage, imageId: string) => void;

  /** `onSealed`: takes the file as image files would, and holds it for the image; again with each seal. */
  constructor(
    clock: Pick<Clock, "nowMs">,
    onSealed: (sealed: SealedImage, imageId: string) => void = () => undefined,
  ) {
    this.#clock = clock;
    this.#onSealed = onSealed;
  }

  async begin(begin: UploadBegin): Promise<UploadStatus> {
    const there = this.#uploads.get(begin.uploadId);
    if (there !== undefined && there.project !== begin.project)
      throw new StatusError("nameTaken", "There is an upload of that name.");
    if (there !== undefined) {
      const { bytesMax } = begin;
      if (bytesMax !== undefined) this.#uploads.set(begin.uploadId, Object.assign(there, { bytesMax }));
      return statusOf(there);
    }
    const live = [...this.#uploads.values()].filter(
      (one) => one.project === begin.project && one.sealed === null && !this.#isStale(one),
    );
    if (live.length >= storageLimits.uploadsPerProjectMax)
      throw new StatusError("tooManyUploads", "The project has as many uploads under way as it may.");
    const made = { ...begin, bytes: Buffer.alloc(0), writtenAtMs: this.#clock.nowMs(), sealed: null };
    this.#uploads.set(begin.uploadId, made);
    return statusOf(made);
  }

  async status(uploadId: string): Promise<UploadStatus | null> {
    const found = this.#uploads.get(uploadId);
    return found === undefined ? null : statusOf(found);
  }

  async write(uploadId: string, offset: number, bytes: Uint8Array): Promise<UploadStatus> {
    const upload = this.#need(uploadId);
    if (upload.sealed !== null) throw new StatusError("uploadSealed", "The upload is sealed.");
    const nextOffset = upload.bytes.length;
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > nextOffset)
      throw new StatusError("uploadOffset", "The upload goes on elsewhere.", { details: { nextOffset } });
    const fresh = bytes.subarray(nextOffset - offset);
    if (offset + bytes.length > (upload.bytesMax ?? Number.MAX_SAFE_INTEGER))
      throw new StatusError("uploadTooLarge", "It is more than was said.");
    if (offset + bytes.length > nextOffset) {
      upload.bytes = Buffer.concat([upload.bytes, fresh]);
      upload.writtenAtMs = this.#clock.nowMs();
    }
    return statusOf(upload);
  }

  async seal(uploadId: string, request: SealRequest): Promise<SealedImage> {
    const upload = this.#need(uploadId);
    if (upload.sealed !== null) {
      this.#onSealed(upload.sealed, upload.imageId);
      return upload.sealed;
    }
    const { bytes } = upload;
    if (request.sizeBytes !== undefined && request.sizeBytes !== bytes.length)
      throw new StatusError("checksumMismatch", "Other bytes have arrived.");
    checkDigests(digestsOf(bytes), request);
    const plain = unpacked(bytes, request);
    const { format } = request;
    if (format === "vmdk" || format === "vhdx" || format === "vdi")
      throw new StatusError("unusableImage", "In memory nothing is converted.");
    if (format === "raw" && diskFormatOf(plain) !== undefined)
      throw new StatusError("unusableImage", "It was said to be raw.");
    if (format === "qcow2" && diskFormatOf(plain) !== "qcow2")
      throw new StatusError("unusableImage", "It is not a qcow2 file.");
    const virtualSizeBytes = format === null ? null : plain.length;
    upload.sealed = { ...digestsOf(plain), sizeBytes: plain.length, format, virtualSizeBytes };
    this.#kept.set(upload.sealed.sha256, plain);
    this.#onSealed(upload.sealed, upload.imageId);
    return upload.sealed;
  }

  async discard(uploadId: string): Promise<void> {
    this.#uploads.delete(uploadId);
  }

  async list(): Promise<readonly UploadStatus[]> {
    return [...this.#uploads.values()].map(statusOf);
  }

  async sweep(): Promise<readonly string[]> {
    const stale = [...this.#uploads.values()].filter((one) => this.#isStale(one));
    for (const { uploadId } of stale) this.#uploads.delete(uploadId);
    return stale.map(({ uploadId }) => uploadId);
  }

  /** Of a file that was sealed. */
  content(sha256: string): Buffer | undefined {
    return this.#kept.get(sha256);
  }

  #isStale({ writtenAtMs }: Upload): boolean {
    return this.#clock.nowMs() - writtenAtMs > storageLimits.uploadKeptMs;
  }

  #need(uploadId: string): Upload {
    const found = this.#uploads.get(uploadId);
    if (found === undefined) throw new StatusError("notFound", "There is no such upload (any more).");
    return found;
  }
}

const statusOf = ({ bytes, ...upload }: Upload): UploadStatus => ({ ...upload, nextOffset: bytes.length });

function digestsOf(bytes: Buffer) {
  const taken = hashing();
  taken.update(bytes);
  return taken.digest();
}

function unpacked(bytes: Buffer, { packing }: SealRequest): Buffer {
  if (packing === undefined) return bytes;
  checkPacking(bytes, packing);
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new StatusError("unusableImage", "It cannot be unpacked.", { cause });
  }
}
