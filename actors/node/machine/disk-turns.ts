/**
 * Who may have the root disk of a guest open that is down: the work of its machine, or a copy of the disk. The
 * machine's work never waits for a copy: it calls it off, and waits for no more than its end.
 */
import { StatusError } from "../../../protocol/wire/status.ts";

interface Copying {
  readonly abort: AbortController;
  readonly ended: Promise<unknown>;
}

export class DiskTurns {
  /** Pieces of work under way, by instance: at most one, but for what an actor that crashed has left. */
  readonly #working = new Map<string, number>();
  readonly #copies = new Map<string, Copying>();

  /** For work that may start the guest, or remove its disk; answers the function that ends it. */
  async enter(instanceId: string): Promise<() => void> {
    this.#working.set(instanceId, (this.#working.get(instanceId) ?? 0) + 1);
    const copying = this.#copies.get(instanceId);
    copying?.abort.abort();
    await copying?.ended;
    return () => {
      const left = (this.#working.get(instanceId) ?? 1) - 1;
      if (left > 0) this.#working.set(instanceId, left);
      else this.#working.delete(instanceId);
    };
  }

  /**
   * Copies while no work is under way. @throws calledOff when work is, or has come; what the copy throws;
   * AbortError
   */
  async copy<T>(
    instanceId: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#working.has(instanceId) || this.#copies.has(instanceId)) throw calledOff();
    const abort = new AbortController();
    const copied = work(AbortSignal.any([signal, abort.signal]));
    const ended = copied.then(
      () => undefined,
      () => undefined,
    );
    this.#copies.set(instanceId, { abort, ended });
    try {
      return await copied;
    } catch (error) {
      signal.throwIfAborted();
      throw abort.signal.aborted ? calledOff() : error;
    } finally {
      this.#copies.delete(instanceId);
    }
  }
}

/** Another try begins anew, as of another moment. */
export class CalledOff extends StatusError {}

const calledOff = (): CalledOff =>
  new CalledOff("copyLost", "The machine needed its disk while it was copied.");
