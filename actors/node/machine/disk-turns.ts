/**
 * Who may have the root disk of a guest open that is down: the work of its machine, or a copy of the disk.
 * The machine's work never waits for a copy: it calls it off, and waits for no more than its end.
 */
import { StatusError } from "../../../protocol/wire/status.ts";

interface Copying {
  readonly abort: AbortController;
  readonly ended: Promise<unknown>;
}

interface Working {
  /** At most one, but for what an actor that crashed has left. */
  pieces: number;
  readonly ended: PromiseWithResolvers<void>;
}

export class DiskTurns {
  readonly #working = new Map<string, Working>();
  readonly #copies = new Map<string, Copying>();

  /** For work that may start the guest, or remove its disk; answers the function that ends it. */
  async enter(instanceId: string): Promise<() => void> {
    const working = this.#working.get(instanceId) ?? { pieces: 0, ended: Promise.withResolvers<void>() };
    working.pieces += 1;
    this.#working.set(instanceId, working);
    const copying = this.#copies.get(instanceId);
    copying?.abort.abort();
    await copying?.ended;
    return () => {
      working.pieces -= 1;
      if (working.pieces > 0) return;
      this.#working.delete(instanceId);
      working.ended.resolve();
    };
  }

  /** Resolves when neither work nor a copy is under way, or the signal is aborted. */
  async whenFree(instanceId: string, signal: AbortSignal): Promise<void> {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    for (;;) {
      const taken = this.#working.get(instanceId)?.ended.promise ?? this.#copies.get(instanceId)?.ended;
      if (taken === undefined || signal.aborted) break;
      await Promise.race([taken, aborted]);
    }
    signal.removeEventListener("abort", onAbort);
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
