/**
 * What a server for the bytes of images is giving: so many images at once, and of one file as many as a
 * ticket says. Whoever is beyond hears it at once, and asks again or elsewhere. A disk and a network that
 * many share are no faster for any of them.
 */
import type { TicketFacts } from "../../actors/ports/image-bytes.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { imageServerLimits } from "./limits.ts";

export class Given {
  readonly #transfersMax: number;
  /** Transfers of each file by tickets with a bound. */
  readonly #bounded = new Map<string, number>();
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
    { of, atOnceMax }: Pick<TicketFacts, "of" | "atOnceMax">,
    work: () => Promise<void>,
  ): Promise<void> {
    const others = this.#bounded.get(of) ?? 0;
    if (this.transfers >= this.#transfersMax || others >= (atOnceMax ?? Number.POSITIVE_INFINITY))
      throw new StatusError("tooManyRequests", "The file is given to as many as it may be.", {
        retryAfterMs: imageServerLimits.turnRetryAfterMs,
      });
    this.transfers += 1;
    if (atOnceMax !== undefined) this.#bounded.set(of, others + 1);
    try {
      await work();
    } finally {
      this.transfers -= 1;
      if (atOnceMax !== undefined) this.#less(of);
    }
  }

  #less(of: string): void {
    const left = (this.#bounded.get(of) ?? 1) - 1;
    if (left > 0) this.#bounded.set(of, left);
    else this.#bounded.delete(of);
  }
}
