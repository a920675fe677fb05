/**
 * The port ImageGiving in memory: images are buffers, tickets plain facts, and a transfer is read a piece
 * at a time by whoever has begun it. For hosts of the simulator and for specs.
 */
import type { TicketFacts } from "../../actors/ports/image-bytes.ts";
import type { ImageGiving } from "../../actors/ports/image-giving.ts";
import { type ImageOffer, type ImagePeer, toldOf } from "../../protocol/image-peer.ts";
import { imageLimits } from "../../protocol/limits/image.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock } from "../../protocol/wire/transport.ts";

export interface MemoryGivingOptions {
  readonly hostId: string;
  /** Tickets of another life open nothing. */
  readonly life: number;
  readonly clock: Pick<Clock, "nowMs">;
  /** By checksum, those first that were used last. */
  readonly images: () => ReadonlyMap<string, Buffer>;
  readonly came?: Pick<ImagePeer, "fromPeersBytes" | "fromControllersBytes" | "lies">;
  readonly transfersMax: number;
}

export interface MemoryTransfer {
  /** Undefined: it was cut off, and no more comes. */
  read(at: number, length: number): Buffer | undefined;
  end(): void;
}

const ticketMs = 60_000;
const nothing = { fromPeersBytes: 0, fromControllersBytes: 0, lies: 0 };

export class MemoryImageGiving implements ImageGiving {
  readonly url: string;
  readonly #options: MemoryGivingOptions;
  /** By transfer: the image and the host. */
  readonly #transfers = new Map<object, string>();
  #sentBytes = 0;

  constructor(options: MemoryGivingOptions) {
    this.#options = options;
    this.url = `http://${options.hostId}`;
  }

  told(): ImagePeer {
    const { images, came = nothing } = this.#options;
    const { fromPeersBytes, fromControllersBytes, lies } = came;
    return {
      has: [...images().keys()].slice(0, imageLimits.imagesToldMax).map(toldOf),
      ...{ sending: this.#transfers.size, sentBytes: this.#sentBytes },
      ...{ fromPeersBytes, fromControllersBytes, lies },
    };
  }

  async offer({ sha256, who }: { readonly sha256: string; readonly who: string }): Promise<ImageOffer> {
    const { images, clock } = this.#options;
    if (!images().has(sha256)) throw new StatusError("notFound", "The image is not here.");
    this.#refuseMore();
    const expiresAtMs = clock.nowMs() + ticketMs;
    const facts: TicketFacts = { server: this.#server, verb: "fetch", of: sha256, who, expiresAtMs };
    return { url: this.url, ticket: Buffer.from(JSON.stringify(facts)).toString("base64url") };
  }

  /** @throws ticketInvalid, ticketMismatch, notFound, tooManyRequests */
  begin({ ticket }: Pick<ImageOffer, "ticket">, sha256: string): MemoryTransfer {
    const { images, clock } = this.#options;
    const facts = JSON.parse(Buffer.from(ticket, "base64url").toString("utf8")) as TicketFacts;
    if (facts.server !== this.#server || facts.expiresAtMs <= clock.nowMs())
      throw new StatusError("ticketInvalid", "The ticket is none.");
    if (facts.of !== sha256) throw new StatusError("ticketMismatch", "The ticket is for another image.");
    const who = `${sha256} ${facts.who}`;
    this.#refuseMore(who);
    const content = images().get(sha256);
    if (content === undefined) throw new StatusError("notFound", "The image is not here.");
    const transfer: MemoryTransfer = {
      read: (at, length) => {
        if (!this.#transfers.has(transfer) || images().get(sha256) !== content) return undefined;
        const piece = content.subarray(at, at + length);
        this.#sentBytes += piece.length;
        return piece;
      },
      end: () => void this.#transfers.delete(transfer),
    };
    this.#transfers.set(transfer, who);
    return transfer;
  }

  get #server(): string {
    return `${this.#options.hostId}-${this.#options.life}`;
  }

  /** A host that asked twice would keep others waiting. */
  #refuseMore(who?: string): void {
    const isTwice = [...this.#transfers.values()].some((one) => one === who);
    if (this.#transfers.size < this.#options.transfersMax && !isTwice) return;
    throw new StatusError("tooManyRequests", "The host gives images to as many as it may.");
  }
}
