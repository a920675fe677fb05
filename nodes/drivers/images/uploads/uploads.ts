/**
 * The port ImageUploads over the image store's directory. Verbs on one upload run one after the other. It
 * must never answer a next offset beyond what is in the part.
 */
import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type {
  ImageUploads,
  SealedImage,
  SealRequest,
  UploadBegin,
  UploadStatus,
} from "../../../../actors/ports/image-uploads.ts";
import { storageLimits } from "../../../../protocol/limits/storage.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { isToken } from "../../../../protocol/wire/subjects.ts";
import { diskError } from "../../durable-file.ts";
import { imageLimits } from "../limits.ts";
import { unusable } from "../refusal.ts";
import { holdFile } from "../removal.ts";
import { appendSparse } from "../sparse-file.ts";
import { removeLeftovers } from "./leftovers.ts";
import * as parts from "./part.ts";
import { Places } from "./places.ts";
import { sealPart } from "./seal.ts";

export interface UploadOptions {
  /** The image store's directory, open to its user alone (ImageStore.open). */
  readonly directory: string;
  /** Name of the process whose uploads these are, where several share the directory. Absent: one has it. */
  readonly whose?: string;
  readonly nowMs: () => number;
  /** Bytes that uploads leave free on its file system. Absent: storeFreeBytesMin. */
  readonly freeBytesMin?: number;
}

export class FileUploads implements ImageUploads {
  readonly #store: string;
  readonly #directory: string;
  readonly #options: UploadOptions;
  /** Of this process: read once, since each chunk would read them again. */
  readonly #records = new Map<string, parts.UploadRecord>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #seals = new Places(imageLimits.sealsAtOnceMax);
  /** Seals under way or waiting, by upload. */
  readonly #verifying = new Map<string, number>();

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#store = options.directory;
    this.#directory = join(options.directory, "uploads", options.whose ?? "");
  }

  begin(upload: UploadBegin): Promise<UploadStatus> {
    // One upload's verbs first: its seal may take long, and must not hold the others' begin.
    return this.#inTurn(upload.uploadId, () => this.#inTurn(everyBegin, () => this.#begin(upload)));
  }

  /** All in one row: they count each other. */
  async #begin(upload: UploadBegin): Promise<UploadStatus> {
    const there = await this.#find(upload.uploadId);
    if (there !== undefined && there.project !== upload.project)
      throw new StatusError("nameTaken", "There is an upload of that name.");
    if (there !== undefined) return this.#bounded(there, upload);
    try {
      await this.#refuseTooMany(upload.project);
      await parts.makeDirectory(this.#directory);
      await this.#refuseFull();
      this.#records.set(upload.uploadId, await parts.makePart(this.#directory, upload));
      return await this.#need(upload.uploadId);
    } catch (error) {
      throw diskError(error, "Beginning an upload");
    }
  }

  /** An upload that is begun again may have been said to be larger, or smaller. */
  async #bounded(there: UploadStatus, { uploadId, bytesMax }: UploadBegin): Promise<UploadStatus> {
    const record = this.#records.get(uploadId);
    if (record === undefined || bytesMax === undefined || record.bytesMax === bytesMax) return there;
    await this.#remember({ ...record, bytesMax });
    return { ...there, bytesMax };
  }

  async status(uploadId: string): Promise<UploadStatus | null> {
    return (await this.#find(uploadId)) ?? null;
  }

  /** Writes of an upload that is being verified are refused: each would wait, and hold its bytes. */
  async write(uploadId: string, offset: number, bytes: Uint8Array): Promise<UploadStatus> {
    if (this.#verifying.has(uploadId)) throw new StatusError("uploadSealed", "The upload is being verified.");
    return this.#inTurn(uploadId, () => this.#write(uploadId, offset, bytes));
  }

  async #write(uploadId: string, offset: number, bytes: Uint8Array): Promise<UploadStatus> {
    const status = await this.#need(uploadId);
    if (status.sealed !== null) throw new StatusError("uploadSealed", "The upload is sealed.");
    const { nextOffset } = status;
    checkOffset(offset, nextOffset);
    const fresh = bytes.subarray(nextOffset - offset);
    if (fresh.length === 0 || offset + bytes.length <= nextOffset) return status;
    const end = nextOffset + fresh.length;
    if (end > imageLimits.imageBytesMax) throw unusable("it is larger than any image may be");
    if (end > (status.bytesMax ?? end)) throw beyondSaid(status.bytesMax);
    const part = await parts.openPart(this.#directory, uploadId);
    if (part === undefined) throw unknownUpload();
    try {
      await this.#refuseFull();
      await this.#forgetSealed(uploadId);
      await appendSparse(part, fresh, nextOffset);
      await this.#syncWhenDue(uploadId, end, () => part.datasync());
      return { ...status, nextOffset: end, writtenAtMs: this.#options.nowMs() };
    } catch (error) {
      throw diskError(error, "Writing what was sent");
    } finally {
      await part.close();
    }
  }

  /** A power loss takes what was not synced; the record says how much of the part that leaves. */
  async #syncWhenDue(uploadId: string, end: number, sync: () => Promise<void>): Promise<void> {
    const record = this.#records.get(uploadId);
    if (record === undefined || end - record.syncedBytes < imageLimits.uploadSyncBytes) return;
    await sync();
    await this.#remember({ ...record, syncedBytes: end });
  }

  async seal(
    uploadId: string,
    request: SealRequest,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<SealedImage> {
    const seals = (this.#verifying.get(uploadId) ?? 0) + 1;
    this.#verifying.set(uploadId, seals);
    try {
      return await this.#sealInTurn(uploadId, request, signal);
    } finally {
      const left = (this.#verifying.get(uploadId) ?? 1) - 1;
      if (left > 0) this.#verifying.set(uploadId, left);
      else this.#verifying.delete(uploadId);
    }
  }

  #sealInTurn(uploadId: string, request: SealRequest, signal: AbortSignal): Promise<SealedImage> {
    return this.#inTurn(uploadId, async () => {
      const kept = await this.#heldAgain(uploadId);
      if (kept !== undefined) return kept;
      const { project } = await this.#need(uploadId);
      // A project's own seals wait for each other first: they must not take the places of the others'.
      return this.#inTurn(sealsOf(project), () =>
        this.#seals.run(() => this.#seal(uploadId, request, signal)),
      );
    });
  }

  async #seal(uploadId: string, request: SealRequest, signal: AbortSignal): Promise<SealedImage> {
    const { imageId, nextOffset } = await this.#need(uploadId);
    await parts.touchPart(this.#directory, uploadId);
    await this.#refuseFull();
    const part = parts.partPath(this.#directory, uploadId);
    const onMade = (made: SealedImage) => this.#rememberSealed(uploadId, made, nextOffset);
    const needRoom = () => this.#refuseFull();
    try {
      const made = await sealPart({ store: this.#store, part, imageId, request, signal, needRoom, onMade });
      await parts.removeBytes(this.#directory, uploadId);
      return made;
    } catch (error) {
      throw diskError(error, "Taking an upload into the image store");
    }
  }

  /** The file of a seal before this one. Held first: from then on nobody removes it. */
  async #heldAgain(uploadId: string): Promise<SealedImage | undefined> {
    const { sealed, imageId } = await this.#need(uploadId);
    if (sealed === null) return undefined;
    await holdFile(this.#store, sealed.sha256, imageId);
    return (await this.#keeps(sealed.sha256)) ? sealed : undefined;
  }

  /** Of a seal that died before its file had a name: what is written now makes another file. */
  async #forgetSealed(uploadId: string): Promise<void> {
    const record = this.#records.get(uploadId);
    if (record !== undefined && record.sealed !== null) await this.#remember({ ...record, sealed: null });
  }

  async #rememberSealed(uploadId: string, sealed: SealedImage, sentBytes: number): Promise<void> {
    const record = this.#records.get(uploadId);
    if (record !== undefined) await this.#remember({ ...record, sealed, sentBytes });
  }

  async discard(uploadId: string): Promise<void> {
    if (!isToken(uploadId)) return;
    await this.#inTurn(uploadId, () => this.#remove(uploadId));
  }

  async list(): Promise<readonly UploadStatus[]> {
    const all: UploadStatus[] = [];
    for (const uploadId of await parts.uploadsIn(this.#directory)) {
      const status = await this.#find(uploadId);
      if (status !== undefined) all.push(status);
    }
    return all;
  }

  async sweep(): Promise<readonly string[]> {
    const swept: string[] = [];
    for (const uploadId of await parts.uploadsIn(this.#directory)) {
      // An upload at work.
      if (this.#turns.has(uploadId)) continue;
      if (await this.#inTurn(uploadId, () => this.#discardStale(uploadId))) swept.push(uploadId);
    }
    await removeLeftovers(this.#directory, this.#options.nowMs());
    return swept;
  }

  /** Looks in the upload's own turn: what a client writes meanwhile comes before or after all of it. */
  async #discardStale(uploadId: string): Promise<boolean> {
    const status = await this.#find(uploadId);
    if (status !== undefined && !this.#isStale(status)) return false;
    await this.#remove(uploadId);
    return true;
  }

  async #remove(uploadId: string): Promise<void> {
    this.#records.delete(uploadId);
    await parts.removePart(this.#directory, uploadId);
  }

  /** A host may copy for long before it sends anything. */
  #isStale({ writtenAtMs, from }: UploadStatus): boolean {
    const awaitedMs = Math.max(writtenAtMs, from?.untilMs ?? 0);
    return this.#options.nowMs() - awaitedMs > storageLimits.uploadKeptMs;
  }

  async #find(uploadId: string): Promise<UploadStatus | undefined> {
    if (!isToken(uploadId)) return undefined;
    const known = this.#records.get(uploadId);
    const record = known ?? (await parts.readRecord(this.#directory, uploadId));
    const status = record && (await parts.statusOf(this.#directory, record, this.#keeps));
    if (record !== undefined && status !== undefined) this.#records.set(uploadId, record);
    else this.#records.delete(uploadId);
    return status;
  }

  async #need(uploadId: string): Promise<UploadStatus> {
    const found = await this.#find(uploadId);
    if (found === undefined) throw unknownUpload();
    return found;
  }

  async #remember(record: parts.UploadRecord): Promise<void> {
    await parts.writeRecord(this.#directory, record);
    this.#records.set(record.uploadId, record);
  }

  async #refuseTooMany(project: string): Promise<void> {
    const { uploadsPerProjectMax: most } = storageLimits;
    const live = (await this.list()).filter((one) => one.project === project && one.sealed === null);
    if (live.filter((one) => !this.#isStale(one)).length < most) return;
    throw new StatusError(
      "tooManyUploads",
      `The project has ${most} uploads under way, and may have no more.`,
    );
  }

  /** Answers how many bytes uploads may still take. @throws diskFull */
  async #refuseFull(): Promise<number> {
    const { freeBytesMin = imageLimits.storeFreeBytesMin } = this.#options;
    const { bavail, bsize } = await statfs(this.#store);
    const leftBytes = bavail * bsize - freeBytesMin;
    if (leftBytes >= 0) return leftBytes;
    throw new StatusError(
      "diskFull",
      "The file system of the image store has too little room for an upload.",
    );
  }

  readonly #keeps = (sha256: string): Promise<boolean> =>
    stat(join(this.#store, sha256)).then(
      () => true,
      () => false,
    );

  #inTurn<Answer>(uploadId: string, work: () => Promise<Answer>): Promise<Answer> {
    const before = this.#turns.get(uploadId) ?? Promise.resolve();
    const turn = before.then(work, work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(uploadId, settled);
    void settled.then(() => {
      if (this.#turns.get(uploadId) === settled) this.#turns.delete(uploadId);
    });
    return turn;
  }
}

/** Turns that no upload's name can be. */
const everyBegin = "";
const sealsOf = (project: string): string => `seals of ${project}`;

const beyondSaid = (bytesMax: number | undefined) =>
  new StatusError("uploadTooLarge", `The upload was said to have ${bytesMax} bytes, and this is beyond.`);

const unknownUpload = () => new StatusError("notFound", "There is no such upload (any more).");

function checkOffset(offset: number, nextOffset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0 && offset <= nextOffset) return;
  const message = `The upload goes on at byte ${nextOffset}.`;
  throw new StatusError("uploadOffset", message, { details: { nextOffset } });
}
