/** Does something for each of many, a few at the same time. What has failed once is not tried any further. */
import { isAbort } from "../../waiting.ts";
import { routingLimits } from "./limits.ts";

export class Tries<T> {
  readonly #nameOf: (one: T) => string;
  readonly #failed = new Map<string, unknown>();

  constructor(nameOf: (one: T) => string) {
    this.#nameOf = nameOf;
  }

  /** By name: the first error of each. */
  get failed(): ReadonlyMap<string, unknown> {
    return this.#failed;
  }

  /** @throws AbortError */
  async each(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
    const left = all.filter((one) => !this.#failed.has(this.#nameOf(one)));
    const aborts: unknown[] = [];
    const work = async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift())
        try {
          await act(one);
        } catch (error) {
          if (isAbort(error)) aborts.push(error);
          else this.#failed.set(this.#nameOf(one), error);
        }
    };
    await Promise.all(Array.from({ length: routingLimits.atOnceMax }, work));
    if (aborts.length > 0) throw aborts[0];
  }
}
