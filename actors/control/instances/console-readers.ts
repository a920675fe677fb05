/**
 * Who waits for the output of a guest's console at this controller: so many of each guest. It is asked before
 * anything of the instance is read, and before its host is asked, which would refuse as well: what costs
 * nothing but a number here costs a read of the store and a question there. Knows names and numbers only.
 */
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { consoleLimits } from "./limits.ts";

export class ConsoleReaders {
  /** By project and instance: a stranger who names the instance takes no place of its own project. */
  readonly #readers = new Map<string, number>();

  /** Number of guests that somebody waits for. */
  get remembered(): number {
    return this.#readers.size;
  }

  /**
   * Takes a place; returns what gives it back, to be called once.
   * @throws RESOURCE_EXHAUSTED tooManyWaits
   */
  enter({ project, id }: Pick<CallContext, "project" | "id">): () => void {
    const key = `${project} ${id}`;
    const now = this.#readers.get(key) ?? 0;
    if (now >= consoleLimits.consoleReadersPerGuestMax) {
      throw new StatusError("tooManyWaits", `Too many callers wait for the console of instance ${id}.`, {
        retryAfterMs: consoleLimits.consoleReadersRetryAfterMs,
      });
    }
    this.#readers.set(key, now + 1);
    return () => this.#leave(key);
  }

  #leave(key: string): void {
    const left = (this.#readers.get(key) ?? 0) - 1;
    if (left > 0) this.#readers.set(key, left);
    else this.#readers.delete(key);
  }
}
