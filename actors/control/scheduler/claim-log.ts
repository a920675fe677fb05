/**
 * The claims that the store's sums may not show yet, oldest first, as a value: `add` makes another log and
 * leaves this one as it is. Successive logs share one array, so that adding a claim costs the same however
 * many there are. Bounded by schedulerLimits.schedulerPendingMax; the oldest leave first (I11).
 */
import { schedulerLimits } from "./limits.ts";
import type { Claim } from "./messages.ts";

/** A claim (or, with the sign -1, a release) and when the scheduler heard of it. */
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

  /** The log with this claim too. `claim.atMs` must not be less than that of any before. */
  add(claim: PendingClaim): ClaimLog {
    // Copy when another log has added to the shared array, or half of the array is unused.
    const mayShare = this.#shared.length === this.#to && this.#from <= schedulerLimits.schedulerPendingMax;
    const shared = mayShare ? this.#shared : [...this];
    shared.push(claim);
    const from = Math.max(mayShare ? this.#from : 0, shared.length - schedulerLimits.schedulerPendingMax);
    return new ClaimLog(shared, from, shared.length);
  }

  /** The log without the claims that a read begun at `readAtMs` shows. */
  since(readAtMs: number): ClaimLog {
    let from = this.#from;
    while (from < this.#to && (this.#shared[from]?.atMs ?? 0) < readAtMs) from++;
    if (from === this.#to) return ClaimLog.none();
    return new ClaimLog(this.#shared.slice(from, this.#to), 0, this.#to - from);
  }

  /** An empty log of its own: a shared one would collect the claims of all users. */
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
