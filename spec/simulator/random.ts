/**
 * Chance that repeats itself: the same seed gives the same numbers, and each stream that is forked from it is
 * independent of how much the others are used. Nothing in the simulator may draw from anywhere else.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
    const hash = hashOf(seed);
    this.#a = hash();
    this.#b = hash();
    this.#c = hash();
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** A stream of its own, named. */
  fork(name: string): Random {
    return new Random(`${this.#seed}/${name}`);
  }

  /** From 0 up to, but not including, 1. Small fast counting (sfc32), 32 bits a draw. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return (sum >>> 0) / 4_294_967_296;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability;
  }

  /** A whole number between both, ends included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** Mostly short, sometimes several times the mean; whole microseconds. */
  latencyMs(meanMs: number): number {
    return Math.round(1_000 * Math.min(meanMs * 20, -meanMs * Math.log(1 - this.next()))) / 1_000;
  }

  pick<T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.next() * list.length)];
  }

  /** One of the keys, by weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      left -= weight;
      if (left < 0) return key;
    }
    return entries[0]?.[0] as K;
  }
}

/** FNV-1a, then mixed: 32 bits a call. */
function hashOf(text: string): () => number {
  let hash = 2_166_136_261;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  return () => {
    hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519);
    hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_917);
    hash ^= hash >>> 16;
    return hash | 0;
  };
}
