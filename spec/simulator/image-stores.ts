/**
 * Parts of uploads of each simulated controller, which outlive its lives, and the files of images, on
 * storage that all controllers have. Every use takes time, at which its controller may die; a store may be
 * full, and may lose its parts. A ticket is answered as by a controller's server.
 */
import { createHash } from "node:crypto";
import type { ImageDoor, TicketFacts } from "../../actors/ports/image-bytes.ts";
import type { ImageUploads } from "../../actors/ports/image-uploads.ts";
import type {
  BytesTaken,
  ImageServed,
  ImageStored,
  PartsLost,
  UploadsAtRest,
} from "../../actors/promises/image-facts.ts";
import { BusyError } from "../../nodes/drivers/images/whole.ts";
import { throwIfAborted } from "../../nodes/drivers/waiting.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { MemoryImageFiles } from "../support/memory-image-files.ts";
import { MemoryImageUploads } from "../support/memory-image-uploads.ts";
import { SimulatedPeers } from "./image-peers.ts";
import type { Interposer } from "./interposer.ts";
import type { Kernel } from "./kernel.ts";
import { epochMs, type SimulatedProcess } from "./process.ts";
import type { Random } from "./random.ts";

export type ToldOfBytes =
  | Omit<ImageStored, "atMs">
  | Omit<ImageServed, "atMs">
  | Omit<BytesTaken, "atMs">
  | Omit<PartsLost, "atMs">;

export interface ImageStoresOptions {
  readonly kernel: Kernel;
  readonly random: Random;
  readonly interposer: Interposer;
  readonly told: (what: ToldOfBytes) => void;
}

/** Of one use of a store. */
const useMs = 2;
/** To verify what was sent. */
const sealMs = 400;

interface Place {
  readonly store: ImageStore;
  readonly process: SimulatedProcess;
}

export class ImageStores {
  readonly files: MemoryImageFiles;
  /** The hosts that give images as well. */
  readonly peers = new SimulatedPeers();
  readonly #options: ImageStoresOptions;
  readonly #stores = new Map<string, ImageStore>();
  /** By URL: the controller that answers there, in its present life. */
  readonly #places = new Map<string, Place>();

  constructor(options: ImageStoresOptions) {
    this.#options = options;
    const { kernel } = options;
    this.files = new MemoryImageFiles({ nowMs: () => Math.floor(epochMs + kernel.nowMs) });
  }

  /** The stores of those controllers that have had a door. */
  get all(): readonly ImageStore[] {
    return [...this.#stores.values()];
  }

  /** The door of one life of a controller. */
  doorOf(process: SimulatedProcess): ImageDoor {
    const { name } = process.machine;
    const store = this.#stores.get(name) ?? new ImageStore(name, this.files, this.#options);
    this.#stores.set(name, store);
    const door = store.door(process);
    this.#places.set(door.url, { store, process });
    return door;
  }

  /**
   * Begins a transfer to a host by a ticket; answers what ends it. Undefined: nobody answers, or not to
   * this ticket. @throws BusyError
   */
  enter(
    asked: { readonly url: string; readonly ticket: string },
    to: SimulatedProcess,
  ): (() => void) | undefined {
    const found = this.#opened(asked, "fetch");
    if (found === undefined) return undefined;
    const { of, atOnceMax, place } = found;
    if (atOnceMax === undefined) return () => undefined;
    const { given } = place.store;
    const key = Symbol(of);
    if ([...given].filter((one) => one.description === of).length >= atOnceMax)
      throw new BusyError("The controller gives the file to as many as it may.");
    given.add(key);
    const end = () => void given.delete(key);
    to.onDeath(end);
    return end;
  }

  /** Bytes of an image, for whoever has a ticket. Undefined: nobody answers, or not to this ticket. */
  give(asked: { readonly url: string; readonly ticket: string }, offset: number, length: number) {
    const found = this.#opened(asked, "fetch");
    return found === undefined ? undefined : this.#contentOf(found.of)?.subarray(offset, offset + length);
  }

  sizeOf(sha256: string): number | undefined {
    return this.#contentOf(sha256)?.length;
  }

  /** As the image's row says it, also when no controller has the file any more. */
  rowSizeOf(sha256: string): number {
    return this.files.contents.get(sha256)?.length ?? 0;
  }

  /** Bytes for an upload, by its ticket, as by HTTP; answers the next offset. */
  async take(asked: { readonly url: string; readonly ticket: string }, offset: number, bytes: Buffer) {
    const found = this.#opened(asked, "send");
    if (found === undefined) throw new StatusError("imageElsewhere", "The connection broke.");
    const { process, store } = found.place;
    const { promise: broken, reject } = Promise.withResolvers<never>();
    process.onDeath(() => reject(new StatusError("imageElsewhere", "The connection broke.")));
    const written = store.door(process).uploads.write(found.of, offset, bytes);
    const askedAtMs = this.#options.kernel.nowMs;
    const { nextOffset, imageId } = await Promise.race([written, broken]);
    this.#options.told({ kind: "bytesTaken", imageId, nextOffset, askedAtMs });
    return nextOffset;
  }

  /** What has come from a store, to the last byte. */
  served(to: string, sha256: string, bytes: Buffer, fromHostsBytes = 0): void {
    const from = fromHostsBytes === 0 ? {} : { fromHostsBytes };
    this.#options.told({ kind: "imageServed", to, sha256, digest: digestOf(bytes), ...from });
  }

  heal(): void {
    for (const store of this.all) store.full = false;
  }

  /** Of every store, for the judge. */
  async parts(): Promise<UploadsAtRest["parts"]> {
    const lists = await Promise.all(this.all.map((store) => store.parts()));
    return lists.flat();
  }

  #opened({ url, ticket }: { readonly url: string; readonly ticket: string }, verb: TicketFacts["verb"]) {
    const place = this.#places.get(new URL(url).origin);
    if (place === undefined || !place.process.alive || place.process.paused) return undefined;
    const facts = JSON.parse(Buffer.from(ticket, "base64url").toString("utf8")) as TicketFacts;
    const opens = facts.server === place.store.server && facts.verb === verb;
    if (!opens || facts.expiresAtMs <= place.process.clock.nowMs()) return undefined;
    return { place, of: facts.of, atOnceMax: facts.atOnceMax };
  }

  #contentOf(sha256: string): Buffer | undefined {
    return this.files.has(sha256) ? this.files.contents.get(sha256) : undefined;
  }
}

export class ImageStore {
  /** Its name in rows. */
  readonly server: string;
  /** Transfers to hosts by tickets with a bound, by what they are of. */
  readonly given = new Set<symbol>();
  full = false;
  readonly #url: string;
  readonly #files: MemoryImageFiles;
  readonly #options: ImageStoresOptions;
  #uploads: MemoryImageUploads;

  constructor(controller: string, files: MemoryImageFiles, options: ImageStoresOptions) {
    this.server = `${controller}-simulated`;
    this.#url = `http://${controller}`;
    this.#files = files;
    this.#options = options;
    this.#uploads = this.#empty();
  }

  /** The disk with what was sent is another one from now on. */
  lose(): void {
    this.#uploads = this.#empty();
    this.#options.told({ kind: "partsLost", by: this.server });
  }

  async parts(): Promise<UploadsAtRest["parts"]> {
    const list = await this.#uploads.list();
    return list.map(({ imageId, nextOffset }) => ({ by: this.server, imageId, sizeBytes: nextOffset }));
  }

  door(process: SimulatedProcess): ImageDoor {
    const through = <T>(what: string, work: () => Promise<T>, more: Use = {}) =>
      this.#use({ process, what, work, ...more });
    const roomy = { durable: true, roomy: true };
    const uploads: ImageUploads = {
      begin: (one) => through("beginUpload", () => this.#uploads.begin(one), roomy),
      status: (id) => through("uploadStatus", () => this.#uploads.status(id)),
      write: (id, offset, bytes) =>
        through("writeUpload", () => this.#uploads.write(id, offset, bytes), roomy),
      seal: (id, request, signal) =>
        through("sealUpload", () => this.#uploads.seal(id, request), { ...roomy, signal, tookMs: sealMs }),
      discard: (id) => through("discardUpload", () => this.#uploads.discard(id), { durable: true }),
      list: () => through("listUploads", () => this.#uploads.list()),
      sweep: () => through("sweepUploads", () => this.#uploads.sweep()),
    };
    const open = async (sha256: string) => {
      const content = this.#files.has(sha256) ? this.#files.contents.get(sha256) : undefined;
      if (content === undefined) return undefined;
      const read = async (at: number, length: number) => content.subarray(at, at + length);
      return { sizeBytes: content.length, read, close: async () => undefined };
    };
    return {
      ...{ server: this.server, url: this.#url, uploads },
      bytes: { open: (sha256) => through("openImage", () => open(sha256)) },
      tickets: { issue: (facts) => Buffer.from(JSON.stringify(facts)).toString("base64url") },
    };
  }

  #empty(): MemoryImageUploads {
    const { kernel, told } = this.#options;
    const clock = { nowMs: () => Math.floor(epochMs + kernel.nowMs) };
    const uploads: MemoryImageUploads = new MemoryImageUploads(clock, (sealed, imageId) => {
      const content = uploads.content(sealed.sha256) ?? Buffer.alloc(0);
      const { sha256 } = sealed;
      told({ kind: "imageStored", by: this.server, sha256, digest: digestOf(content) });
      this.#files.contents.set(sha256, content);
      this.#files.take(sealed, imageId);
    });
    return uploads;
  }

  async #use<T>({ process, what, work, durable, roomy, signal, tookMs = useMs }: Used<T>): Promise<T> {
    const { kernel, random, interposer } = this.#options;
    if (!process.alive) return never();
    const fault = durable === true ? interposer.durable(process, what) : undefined;
    if (fault === "crashBefore") {
      process.kill();
      return never();
    }
    await kernel.sleep(process, random.latencyMs(tookMs) + (fault === "delay" ? delayedMs : 0), "");
    throwIfAborted(signal);
    if (roomy === true && this.full) throw new StatusError("diskFull", "The simulated store has no room.");
    if (kernel.trace.isRead) kernel.trace.note(kernel.nowMs, process.name, `does ${what}`);
    const value = await work();
    if (fault === "double") await work();
    if (fault === "crashAfter") process.kill();
    await kernel.sleep(process, random.latencyMs(useMs), "");
    if (fault === "loseReply") throw new StatusError("toolFailed", "It is done, and nobody knows.");
    return value;
  }
}

interface Use {
  readonly durable?: boolean;
  /** It needs room. */
  readonly roomy?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly tookMs?: number;
}

interface Used<T> extends Use {
  readonly process: SimulatedProcess;
  readonly what: string;
  readonly work: () => Promise<T>;
}

const delayedMs = 400;
const never = <T>(): Promise<T> => new Promise(() => undefined);
const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
