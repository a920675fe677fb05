/** How often something may happen for each port: so many times at once, then so often. Time is handed in. */

interface Bucket {
  tokens: number;
  atMs: number;
}

export class Rates {
  readonly #burst: number;
  readonly #everyMs: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(burst: number, everyMs: number) {
    this.#burst = burst;
    this.#everyMs = everyMs;
  }

  get count(): number {
    return this.#buckets.size;
  }

  /** False: it was too often. */
  take(portId: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(portId) ?? { tokens: this.#burst, atMs: nowMs };
    this.#buckets.set(portId, bucket);
    bucket.tokens = this.#tokensOf(bucket, nowMs);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Forgets those who may do it as often again as at first. */
  sweep(nowMs: number): void {
    for (const [portId, bucket] of this.#buckets)
      if (this.#tokensOf(bucket, nowMs) >= this.#burst) this.#buckets.delete(portId);
  }

  #tokensOf({ tokens, atMs }: Bucket, nowMs: number): number {
    return Math.min(this.#burst, tokens + (nowMs - atMs) / this.#everyMs);
  }
}
