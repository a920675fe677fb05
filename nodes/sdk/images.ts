/**
 * The bytes of images, sent and fetched over any number of broken connections: each time it is asked anew
 * where they go on, and with which ticket. Small ones go over the bus. It runs in Node and in browsers, keeps
 * one piece in memory, and must never hold a ticket longer than it needs it.
 */
import type { Image } from "../../protocol/image.ts";
import type { ImageTicket, ImageUpload, Refusal } from "../../protocol/image-bytes.ts";
import { isReason } from "../../protocol/wire/reasons.ts";
import { pauseMs } from "../../protocol/wire/retry.ts";
import { type PeerError, StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";
import type { Clients } from "./clients.ts";
import { sdkLimits } from "./limits.ts";

/** What is sent: as a file, which can be read from any place. */
export interface ImageSource {
  readonly sizeBytes: number;
  /** All bytes from there on, in pieces of any length. */
  from(offset: number): AsyncIterable<Uint8Array>;
}

type Completion = Omit<Parameters<Clients["image"]["complete"]>[1], "sizeBytes">;

export interface TransferOptions {
  /** Told after each piece, and again when it went on elsewhere. */
  readonly onProgress?: (doneBytes: number, allBytes: number) => void;
  /** How long to go on trying without any progress. Absent: transferPatienceMs. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface SendOptions extends TransferOptions, Completion {}

export interface FetchOptions extends TransferOptions {
  readonly part?: "disk" | "kernel" | "ramdisk";
  /** Where to begin: all before it is there already. Absent: 0. */
  readonly offset?: number;
  /** The file that is meant: another one is refused with `checksumMismatch`. Absent: whichever there is. */
  readonly sha256?: string;
}

/** A file that is being fetched. Whoever takes the pieces compares the checksum of the whole. */
export interface FetchedImage {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly pieces: AsyncGenerator<Uint8Array, void, void>;
}

export interface ImageTransfers {
  /**
   * Sends the bytes of an image, from where an earlier attempt came to, and answers the image when it is
   * active. @throws what the server refused, and why what was sent was not taken: checksumMismatch,
   * unusableImage, quotaExceeded, …
   */
  sendImage(imageId: string, source: ImageSource, options: SendOptions): Promise<Image>;
  /** Fetches a file of an image. @throws imageNotActive, imageNotFound, checksumMismatch */
  fetchImage(imageId: string, options?: FetchOptions): Promise<FetchedImage>;
}

export function createImageTransfers(
  { image }: Pick<Clients, "image">,
  world: { readonly clock: Clock; readonly random: () => number },
): ImageTransfers {
  return {
    sendImage: (imageId, source, options) => new Sending(image, { imageId, source, world }, options).run(),
    fetchImage: (imageId, options = {}) => fetchImage(image, { imageId, world }, options),
  };
}

type ImageClient = Clients["image"];
type World = Parameters<typeof createImageTransfers>[1];

/** Goes on after failures that pass, as long as there is progress from time to time. */
class Persistence {
  readonly #world: World;
  readonly #options: TransferOptions;
  #attempt = 0;
  #progressAtMs: number;

  constructor(world: World, options: TransferOptions) {
    this.#world = world;
    this.#options = options;
    this.#progressAtMs = world.clock.monotonicMs();
  }

  progress(): void {
    this.#attempt = 0;
    this.#progressAtMs = this.#world.clock.monotonicMs();
  }

  /** Waits before the next attempt. @throws what was thrown, when it does not pass or lasts too long */
  async after(thrown: unknown): Promise<void> {
    const { patienceMs = sdkLimits.transferPatienceMs, signal } = this.#options;
    signal?.throwIfAborted();
    if (!passes(thrown)) throw thrown;
    if (this.#world.clock.monotonicMs() - this.#progressAtMs > patienceMs) throw told(thrown);
    const pause = pauseMs(unreachable(thrown), this.#attempt, this.#world) ?? sdkLimits.imagePollMs;
    this.#attempt += 1;
    await sleep(this.#world.clock, Math.min(pause, 5_000), signal);
  }
}

/** Whether the connection itself failed: such an error has no words for people. */
const isBroken = (thrown: unknown): boolean => thrown instanceof TypeError || thrown instanceof Broken;
class Broken extends Error {}

const unreachable = (thrown: unknown): unknown =>
  isBroken(thrown) ? new StatusError("imageElsewhere", "The connection broke.") : thrown;

const told = (thrown: unknown): unknown =>
  isBroken(thrown)
    ? new StatusError(
        "imageElsewhere",
        "The controller's server for images cannot be reached, or breaks off.",
        {
          cause: thrown,
        },
      )
    : thrown;

/** Refusals after which it is asked anew where the bytes go on. */
const passing = ["uploadOffset", "ticketInvalid", "tooSlow", "tooManyRequests", "generationConflict"];

function passes(thrown: unknown): boolean {
  if (isBroken(thrown)) return true;
  if (!(thrown instanceof StatusError)) return false;
  return (
    passing.includes(thrown.reason) || thrown.code === "UNAVAILABLE" || thrown.code === "DEADLINE_EXCEEDED"
  );
}

interface SendPlace {
  readonly imageId: string;
  readonly source: ImageSource;
  readonly world: World;
}

class Sending {
  readonly #image: ImageClient;
  readonly #place: SendPlace;
  readonly #options: SendOptions;
  readonly #persistence: Persistence;
  #offset = -1;

  constructor(image: ImageClient, place: SendPlace, options: SendOptions) {
    this.#image = image;
    this.#place = place;
    this.#options = options;
    this.#persistence = new Persistence(place.world, options);
  }

  async run(): Promise<Image> {
    for (;;) {
      try {
        const image = await this.#round();
        if (image !== undefined) return image;
        await this.#persistence.after(new Broken("What was sent was lost."));
      } catch (thrown) {
        await this.#persistence.after(thrown);
      }
    }
  }

  /** Undefined: the bytes that were sent are lost, and are sent once more. */
  async #round(): Promise<Image | undefined> {
    const { imageId, source } = this.#place;
    const { state } = await this.#look();
    if (state !== "importing" && state !== "active") {
      const { upload } = await this.#image.upload(imageId, { sizeBytes: source.sizeBytes }, this.#call);
      await this.#send(upload);
    }
    return this.#complete();
  }

  async #send(upload: ImageUpload): Promise<void> {
    const { source } = this.#place;
    this.#reached(upload.nextOffset);
    if (upload.nextOffset >= source.sizeBytes) return;
    const small = source.sizeBytes <= sdkLimits.imageBusBytesMax;
    const pieceBytes = small ? upload.chunkBytesMax : sdkLimits.imagePieceBytes;
    let offset = upload.nextOffset;
    for await (const piece of gathered(source.from(offset), pieceBytes)) {
      this.#options.signal?.throwIfAborted();
      const next = small ? await this.#write(offset, piece) : await this.#put(upload, offset, piece);
      this.#reached(next);
      if (next !== offset + piece.length) throw new Broken("It goes on elsewhere.");
      offset = next;
    }
    if (offset !== source.sizeBytes)
      throw new StatusError("checksumMismatch", `What is sent has ${offset} bytes, not ${source.sizeBytes}.`);
  }

  #reached(offset: number): void {
    if (offset > this.#offset) this.#persistence.progress();
    this.#offset = offset;
    this.#options.onProgress?.(offset, this.#place.source.sizeBytes);
  }

  async #write(offset: number, piece: Uint8Array): Promise<number> {
    const data = btoa(Array.from(piece, (byte) => String.fromCharCode(byte)).join(""));
    return (await this.#image.write(this.#place.imageId, { offset, data }, this.#call)).nextOffset;
  }

  async #put({ url, ticket }: ImageTicket, offset: number, piece: Uint8Array): Promise<number> {
    const response = await fetch(url, {
      method: "PATCH",
      headers: { authorization: `Bearer ${ticket}`, "upload-offset": String(offset) },
      body: piece as Uint8Array<ArrayBuffer>,
      ...this.#signal,
    });
    const { nextOffset } = (await answerOf(response)) as { nextOffset?: unknown };
    if (typeof nextOffset !== "number") throw new Broken("The answer is none.");
    return nextOffset;
  }

  /** Says what the whole is, and waits until it is verified. @throws why it was refused */
  async #complete(): Promise<Image | undefined> {
    const { imageId, source, world } = this.#place;
    const { onProgress: _, patienceMs: _patience, signal, ...said } = this.#options;
    let { image } = await this.#image.complete(imageId, { ...said, sizeBytes: source.sizeBytes }, this.#call);
    while (image.state === "importing") {
      await sleep(world.clock, sdkLimits.imagePollMs, signal);
      image = await this.#look();
      this.#persistence.progress();
    }
    if (image.state === "active") return this.#sent(image);
    const { refusal } = image;
    if (refusal === undefined || refusal === null || refusal.reason === "uploadInterrupted") return undefined;
    throw refusedBy(refusal, image);
  }

  /** Another run may have sent another file, of which the verification had begun before. */
  #sent(image: Image): Image {
    const { sha256, format, packing } = this.#options;
    const isKept = packing === undefined && (format === "raw" || format === "qcow2");
    if (sha256 === undefined || !isKept || image.disk?.sha256 === sha256) return image;
    throw new StatusError("checksumMismatch", `The image ${image.id} has the bytes of another file.`, {
      next: `Make another image of this one, or remove that one first: novact image delete ${image.id}.`,
    });
  }

  async #look(): Promise<Image> {
    return (await this.#image.get(this.#place.imageId, {}, this.#call)).image;
  }

  get #signal(): { readonly signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  get #call() {
    return this.#signal;
  }
}

/** The refusal of the row as an error. With a holder the bytes are there, and may be completed anew. */
function refusedBy({ reason, message }: Refusal, { id, holder }: Image): StatusError {
  const again = "Send it again: novact image create --file.";
  const there = `Say what it is (--format, --packing), or remove it first: novact image delete ${id}.`;
  const next = (holder ?? null) === null ? again : there;
  const options = { next, code: "FAILED_PRECONDITION" } as const;
  return isReason(reason)
    ? new StatusError(reason, message, { next })
    : StatusError.fromBody({ reason, message, ...options });
}

async function fetchImage(
  image: ImageClient,
  { imageId, world }: { readonly imageId: string; readonly world: World },
  options: FetchOptions,
): Promise<FetchedImage> {
  const { part, signal } = options;
  const call = signal === undefined ? {} : { signal };
  const ask = () => image.ticket(imageId, part === undefined ? {} : { part }, call);
  const first = await ask();
  const { sizeBytes, sha256 } = first;
  if (options.sha256 !== undefined && options.sha256 !== sha256) throw changed();
  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    const persistence = new Persistence(world, options);
    let [offset, ticket] = [options.offset ?? 0, first as typeof first | undefined];
    while (offset < sizeBytes) {
      try {
        const got = ticket ?? (await ask());
        ticket = undefined;
        if (got.sha256 !== sha256) throw changed();
        for await (const piece of rangeOf(got.download, offset, call)) {
          if (offset + piece.length > sizeBytes) throw changed();
          offset += piece.length;
          persistence.progress();
          options.onProgress?.(offset, sizeBytes);
          yield piece;
        }
      } catch (thrown) {
        await persistence.after(thrown);
      }
    }
  }
  return { sha256, sizeBytes, pieces: pieces() };
}

const changed = () =>
  new StatusError("checksumMismatch", "The image has another file than the one that was begun.");

async function* rangeOf(
  { url, ticket }: ImageTicket,
  offset: number,
  call: { readonly signal?: AbortSignal },
): AsyncGenerator<Uint8Array, void, void> {
  const headers = { authorization: `Bearer ${ticket}`, range: `bytes=${offset}-` };
  const response = await fetch(url, { headers, ...call });
  if (response.status !== 206) {
    await answerOf(response);
    throw new Broken("The answer is no range.");
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // A reader who has enough ends the transfer.
    await reader.cancel().catch(() => undefined);
  }
}

/** The JSON of an answer. @throws the error that is in it; Broken when it is none of ours */
async function answerOf(response: Response): Promise<object> {
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) throw new Broken("The answer is none of ours.");
  if ("error" in body) throw StatusError.fromBody(body.error as PeerError);
  if (!response.ok) throw new Broken("The answer is none of ours.");
  return body;
}

/** Pieces of one length, the last one but. */
async function* gathered(chunks: AsyncIterable<Uint8Array>, pieceBytes: number): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(pieceBytes);
  let length = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + pieceBytes - length);
      piece.set(part, length);
      length += part.length;
      at += part.length;
      if (length < pieceBytes) continue;
      yield piece;
      [piece, length] = [new Uint8Array(pieceBytes), 0];
    }
  }
  if (length > 0) yield piece.subarray(0, length);
}

async function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(ms, resolve);
  signal?.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  timer.cancel();
  signal?.throwIfAborted();
}
