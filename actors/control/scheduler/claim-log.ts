/**
 * The claims that the store's sums may not show yet, oldest first, as a value: `add` gives another log and
 * leaves this one as it is. Successive logs share one array, so that a claim costs the same however many are
 * remembered. Bounded by limits.schedulerPendingMax; what is older leaves first (I11).
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Claim } from "./messages.ts";

/** A claim (or, with the sign -1, a release) and when it was heard of. */
export interface PendingClaim {
  readonly hostId: string;
  readonly amounts: Claim;
  readonly sign: 1 | -1;
  readonly atMs: number;
}

export class ClaimLog implements Iterable<PendingClaim> {
  readonly #shared: PendingClaim[];
  readonly #from: number;
  readonly #to: number;

  private constructor(shared: PendingClaim[], from: number, to: number) {
    this.#shared = shared;
    this.#from = from;
    this.#to = to;
  }

  get length(): number {
    return this.#to - this.#from;
  }

  /** `claim.atMs` is not less than any before it. */
  add(claim: PendingClaim): ClaimLog {
    // Somebody has added to this same value before, or half of the array is of no use any more.
    const mayShare = this.#shared.length === this.#to && this.#from <= limits.schedulerPendingMax;
    const shared = mayShare ? this.#shared : [...this];
    shared.push(claim);
    const from = Math.max(mayShare ? this.#from : 0, shared.length - limits.schedulerPendingMax);
    return new ClaimLog(shared, from, shared.length);
  }

  /** Without those that a read which began at `readAtMs` shows. */
  since(readAtMs: number): ClaimLog {
    let from = this.#from;
    while (from < this.#to && (this.#shared[from]?.atMs ?? 0) < readAtMs) from++;
    if (from === this.#to) return ClaimLog.none();
    return new ClaimLog(this.#shared.slice(from, this.#to), 0, this.#to - from);
  }

  /** A log of its own: one that everybody begins with would collect the claims of all. */
  static none(): ClaimLog {
    return new ClaimLog([], 0, 0);
  }

  *[Symbol.iterator](): Iterator<PendingClaim> {
    for (let index = this.#from; index < this.#to; index++) {
      const claim = this.#shared[index];
      if (claim !== undefined) yield claim;
    }
  }
}
