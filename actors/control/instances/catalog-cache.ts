/**
 * Flavors and images never change, they only appear and go: an answer may be a moment old, an absence may
 * not. Bounded, and emptied rather than tended.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";

export class CatalogCache<T> {
  readonly #clock: Clock;
  readonly #read: (key: string) => Promise<T | undefined>;
  readonly #known = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(clock: Clock, read: (key: string) => Promise<T | undefined>) {
    this.#clock = clock;
    this.#read = read;
  }

  async get(key: string): Promise<T | undefined> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(key);
    if (known !== undefined && known.untilMs > nowMs) return known.value;
    this.#known.delete(key);
    const value = await this.#read(key);
    if (this.#known.size >= limits.pageLengthMax) this.#known.clear();
    if (value !== undefined) this.#known.set(key, { value, untilMs: nowMs + limits.catalogCacheMs });
    return value;
  }
}
