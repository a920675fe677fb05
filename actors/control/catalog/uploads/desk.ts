/**
 * The uploads of one controller, and the rows of their images: each step of the bytes is a step of the row,
 * in an order in which a death between the two can be put right (settle.ts). What is done for one image is
 * done one after the other. It must never decide who may send or fetch: whoever calls it has read the row.
 */
import { type Image, image } from "../../../../protocol/image.ts";
import type { ImageUpload, Refusal } from "../../../../protocol/image-bytes.ts";
import { imageLimits } from "../../../../protocol/limits/image.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { adminProject } from "../../../../protocol/wire/subjects.ts";
import type { Log } from "../../../../protocol/wire/transport.ts";
import type { ImageDoor } from "../../../ports/image-bytes.ts";
import type { ImageFiles } from "../../../ports/image-files.ts";
import type { SealedImage, SealRequest, UploadFrom } from "../../../ports/image-uploads.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { findRow } from "../../request/rows.ts";
import { allImages, settleRegistration } from "../image-removal.ts";
import { advanceImage, type ImageStep } from "../image-states.ts";
import { ticketFor } from "../image-tickets.ts";
import { isUnsettled, settlingOf } from "./settle.ts";

export interface DeskOptions extends Pick<CatalogOptions, "store" | "commit" | "clock"> {
  readonly door: ImageDoor;
  readonly files: ImageFiles;
  readonly log: Log;
}

/** What a client says of the whole; who boots from it is said by the image. */
export type Completion = Omit<SealRequest, "bootedBy">;

export class UploadDesk {
  readonly #options: DeskOptions;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #sealing = new Map<string, { readonly said: Completion; readonly ended: Promise<void> }>();
  readonly #ending = new AbortController();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  get server(): string {
    return this.#options.door.server;
  }

  /**
   * The row first: what is sent has room in the quota before a byte of it comes. `from`: the guest whose disk
   * it is, the first time.
   */
  upload(imageId: string, sizeBytes: number, from?: UploadFrom): Promise<ImageUpload> {
    const { door, clock } = this.#options;
    return this.#inTurn(imageId, async () => {
      const { project = adminProject } = await this.#step(imageId, {
        kind: "save",
        holder: door.server,
        sizeBytes,
      });
      const whose = { uploadId: imageId, imageId, project, ...(from && { from }) };
      const begin = { ...whose, bytesMax: sizeBytes };
      const { nextOffset } = await door.uploads.begin(begin).catch(async (thrown: unknown) => {
        // Where the row cannot be put right now, the next look does.
        await this.#step(imageId, { kind: "forget" }).catch(() => undefined);
        throw thrown;
      });
      const ticket = ticketFor(door, { verb: "send", of: imageId, who: project }, clock);
      return { ...ticket, uploadId: imageId, nextOffset, chunkBytesMax: imageLimits.imageChunkBytesMax };
    });
  }

  /** Bytes of an instance's disk come from its host alone, while it is made. @throws imageNotQueued */
  async refuseHosts(imageId: string): Promise<void> {
    const { uploads } = this.#options.door;
    if ((await uploads.status(imageId))?.from === undefined) return;
    // Where its operation has ended with a refusal, what was sent goes, and the image waits for a file.
    await this.#inTurn(imageId, () => this.#settle(imageId));
    if ((await uploads.status(imageId))?.from === undefined) return;
    throw new StatusError(
      "imageNotQueued",
      "A host sends this image: it is made of the disk of an instance.",
    );
  }

  /** Answers the next offset. */
  async write(imageId: string, offset: number, bytes: Uint8Array): Promise<number> {
    return (await this.#options.door.uploads.write(imageId, offset, bytes)).nextOffset;
  }

  /**
   * Begins to verify what was sent, and does not wait for it: the row says what becomes of it. What was
   * refused may be completed again, as something else.
   */
  complete(imageId: string, said: Completion): Promise<void> {
    const { door, store } = this.#options;
    return this.#inTurn(imageId, async () => {
      const row = await findRow(image, { id: imageId, project: adminProject }, store.rows);
      if (row.state === "active" || row.state === "deactivated") return;
      const sealing = this.#sealing.get(imageId);
      if (sealing !== undefined) return refuseOther(sealing.said, said);
      if (row.state === "importing") return this.#settle(imageId);
      const status = await door.uploads.status(imageId);
      if (status === null) throw new StatusError("notFound", "Nothing was sent, or it is too long ago.");
      const sizeBytes = row.sizeBytes ?? status.nextOffset;
      await this.#step(imageId, { kind: "save", holder: door.server, sizeBytes });
      await this.#step(imageId, { kind: "import" });
      const booted = row.kernel === null ? { bootedBy: row.properties.hypervisor ?? null } : {};
      this.#seal(imageId, { ...said, ...booted });
    });
  }

  /** No more bytes come: the image is queued, with the reason, and what was sent is forgotten. */
  abandon(imageId: string, refusal: Refusal): Promise<void> {
    return this.#inTurn(imageId, async () => {
      // Where it could not be begun, the row has forgotten it already.
      await this.#step(imageId, { kind: "save", holder: this.server, sizeBytes: 0 });
      await this.#step(imageId, { kind: "requeue", refusal });
      await this.#step(imageId, { kind: "forget" });
      await this.#options.door.uploads.discard(imageId);
    });
  }

  /** Puts right what does not fit. @throws the store's errors */
  async settle(): Promise<number> {
    const { door, store, log } = this.#options;
    for (const uploadId of await door.uploads.sweep())
      log.info({ uploadId }, "an upload that nobody went on with was discarded");
    const statuses = await door.uploads.list();
    const rows = await allImages(store);
    const own = rows.filter((row) => row.holder === door.server && isUnsettled(row)).map(({ id }) => id);
    const ids = new Set([...own, ...statuses.map(({ uploadId }) => uploadId)]);
    // One that another controller changes in this moment keeps no other from being looked at.
    for (const id of ids)
      await this.#inTurn(id, () => this.#settle(id)).catch((thrown: unknown) => {
        const { reason, message } = StatusError.from(thrown, "Looking after an upload");
        if (reason === "storeUnavailable") throw thrown;
        log.info({ imageId: id, reason, message }, "an upload was not put right, and is looked at again");
      });
    return ids.size;
  }

  /** Gives up what is being verified: the next life of this controller says so in the rows. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled([...this.#sealing.values()].map(({ ended }) => ended));
  }

  async #settle(imageId: string): Promise<void> {
    const { door, store } = this.#options;
    const [found] = await store.rows.called(image, imageId);
    const row = found?.id === imageId ? found : undefined;
    const status = await door.uploads.status(imageId);
    const around = { server: door.server, sealing: this.#sealing.has(imageId) };
    switch (settlingOf({ row, status, ...around })) {
      case "activate":
        if (status?.sealed) await this.#activate(imageId, status.sealed);
        return;
      case "interrupted":
        await this.#step(imageId, { kind: "requeue", refusal: interrupted });
        return;
      case "forget":
        await this.#step(imageId, { kind: "forget" });
        if (status !== null) await this.#clear(imageId);
        return;
      case "discard":
        return this.#clear(imageId);
      case "nothing":
    }
  }

  #seal(imageId: string, request: SealRequest): void {
    const { door } = this.#options;
    const work = async (): Promise<void> => {
      const sealed = await door.uploads
        .seal(imageId, request, this.#ending.signal)
        .catch((thrown: unknown) => this.#refused(imageId, thrown));
      if (sealed !== undefined) await this.#activate(imageId, sealed);
    };
    const ended = work()
      .catch((thrown: unknown) => this.#unfinished(imageId, thrown))
      .finally(() => this.#sealing.delete(imageId));
    this.#sealing.set(imageId, { said: request, ended });
  }

  async #activate(imageId: string, sealed: SealedImage): Promise<void> {
    const { sha256, sha512, md5, sizeBytes, format, virtualSizeBytes } = sealed;
    if (format === null || virtualSizeBytes === null)
      throw new StatusError("internal", "A disk was sealed without a format.");
    const disk = { sha256, sizeBytes, format, virtualSizeBytes };
    try {
      await this.#step(imageId, { kind: "activate", disk, checksums: { sha256, sha512, md5 } });
    } catch (thrown) {
      if (!isFinal(thrown)) throw thrown;
      // Unpacked it is larger than what was said, or the image is gone, or is another's by now.
      if (thrown.reason === "quotaExceeded") await this.#refused(imageId, thrown);
      if (thrown.reason === "quotaExceeded") await this.#step(imageId, { kind: "forget" });
    }
    await this.#clear(imageId);
  }

  /** The files stay where a row names them; what was sent is not needed any more. */
  async #clear(imageId: string): Promise<void> {
    await settleRegistration(imageId, this.#options);
    await this.#options.door.uploads.discard(imageId);
  }

  async #refused(imageId: string, thrown: unknown): Promise<undefined> {
    if (this.#ending.signal.aborted) throw thrown;
    const { reason, message, detail } = StatusError.from(thrown, "Verifying what was sent");
    this.#options.log.info({ imageId, reason, message, detail }, "what was sent of an image was refused");
    await this.#step(imageId, { kind: "requeue", refusal: { reason, message: message.slice(0, 1_024) } });
  }

  #unfinished(imageId: string, error: unknown): void {
    if (this.#ending.signal.aborted) return;
    this.#options.log.warn({ imageId, error }, "an image could not be made active; it is tried again");
  }

  #step(imageId: string, step: ImageStep): Promise<Image> {
    return advanceImage(imageId, step, { ...this.#options, holder: this.server });
  }

  #inTurn<Answer>(imageId: string, work: () => Promise<Answer>): Promise<Answer> {
    const turn = (this.#turns.get(imageId) ?? Promise.resolve()).then(work, work);
    const settled = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#turns.get(imageId) === settled) this.#turns.delete(imageId);
      });
    this.#turns.set(imageId, settled);
    return turn;
  }
}

const interrupted = {
  reason: "uploadInterrupted",
  message: "The controller ended while it verified what was sent.",
};

/** Refusals of the row itself, which another attempt would meet again. */
const isFinal = (thrown: unknown): thrown is StatusError =>
  thrown instanceof StatusError &&
  ["imageNotFound", "imageNotQueued", "imageElsewhere", "quotaExceeded"].includes(thrown.reason);

/** @throws uploadSealed */
function refuseOther(said: Completion, other: Completion): void {
  const isSame = said.sha256 === other.sha256 && said.sizeBytes === other.sizeBytes;
  if (isSame && said.format === other.format && said.packing === other.packing) return;
  throw new StatusError("uploadSealed", "Another file is being verified as this image.");
}
