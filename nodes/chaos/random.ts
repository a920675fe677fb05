/**
 * Random numbers from a seed: the same seed gives the same numbers on every computer, so that a run can be
 * repeated. Not for secrets. Pure.
 */

export interface Random {
  /** A number of at least 0 and below 1. */
  next(): number;
  /** A number of at least `from` and below `to`. */
  between(from: number, to: number): number;
  /** A random element. @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T;
  /**
   * A random name, with probabilities in proportion to the weights. @throws RangeError when all weights are 0
   */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K;
}

/** `stream` separates users of one seed that must not influence each other: the plan, and every client. */
export function createRandom(seed: number, stream: string): Random {
  let state = hash(`${seed}/${stream}`);
  // Source: mulberry32 by Tommy Ettinger, public domain.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(list: readonly T[]): T => {
    const index = Math.floor(next() * list.length);
    if (index >= list.length) throw new RangeError("There is nothing to choose from.");
    return list[index] as T;
  };
  const weighted = <K extends string>(weights: Readonly<Partial<Record<K, number>>>): K => {
    const entries = Object.entries<number | undefined>(weights).map(
      ([name, weight]) => [name as K, weight ?? 0] as const,
    );
    let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    throw new RangeError("There is nothing to choose from.");
  };
  return { next, pick, weighted, between: (from, to) => from + next() * (to - from) };
}

/** FNV-1a, 32 bits. Source: Fowler, Noll and Vo. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value | 0;
}
