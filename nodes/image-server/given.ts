/**
 * What a server for the bytes of images is giving: so many images at once, and of one file as many as a
 * ticket says, to each host once. Whoever is beyond hears it at once, and asks again or elsewhere. A disk and
 * a network that many share are no faster for any of them.
 */
import type { TicketFacts } from "../../actors/ports/image-bytes.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { imageServerLimits } from "./limits.ts";

export class Given {
  readonly #transfersMax: number;
  /** Who gets each file by tickets with a bound. */
  readonly #bounded = new Map<string, Set<string>>();
  transfers = 0;
  bytes = 0;

  constructor({ transfersMax = Number.POSITIVE_INFINITY }: { readonly transfersMax?: number }) {
    this.#transfersMax = transfersMax;
  }

  left(bytes: number): void {
    this.bytes += bytes;
  }

  /** Does the work of one transfer. @throws RESOURCE_EXHAUSTED tooManyRequests */
  async within(
    { of, who, atOnceMax }: Pick<TicketFacts, "of" | "who" | "atOnceMax">,
    work: () => Promise<void>,
  ): Promise<void> {
    const getting = this.#bounded.get(of) ?? new Set();
    // A host with two transfers of one file would take the turn of another host.
    const isFull = atOnceMax !== undefined && (getting.size >= atOnceMax || getting.has(who));
    if (this.transfers >= this.#transfersMax || isFull)
      throw new StatusError("tooManyRequests", "The file is given to as many as it may be.", {
        retryAfterMs: imageServerLimits.turnRetryAfterMs,
      });
    this.transfers += 1;
    if (atOnceMax !== undefined) this.#bounded.set(of, getting.add(who));
    try {
      await work();
    } finally {
      this.transfers -= 1;
      if (atOnceMax !== undefined) getting.delete(who);
      if (getting.size === 0) this.#bounded.delete(of);
    }
  }
}
