/**
 * Waiting that always ends: with the awaited event, at a deadline, or by an abort. Timers come from the Clock
 * port. This file must never leave a timer or an abort listener behind.
 */
import type { Clock } from "../../protocol/wire/transport.ts";

export function abortError(): DOMException {
  return new DOMException("The work was called off.", "AbortError");
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

/** @throws AbortError */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError();
}

export interface WaitOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Makes the error for a passed deadline. */
  readonly late: () => Error;
}

/**
 * The promise's outcome, unless the deadline or the abort comes first; a later outcome of the promise is
 * ignored.
 */
export function within<T>(promise: Promise<T>, options: WaitOptions): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = options.clock.after(options.timeoutMs, () => settle(() => reject(options.late())));
    const onAbort = () => settle(() => reject(abortError()));
    const settle = (finish: () => void) => {
      timer.cancel();
      options.signal?.removeEventListener("abort", onAbort);
      finish();
    };
    if (options.signal?.aborted === true) onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

/**
 * The promise's outcome, unless the abort comes first; a later outcome of the promise is ignored. @throws
 * AbortError
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(abortError());
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Resolves after the time, or at once when aborted: the caller has to look at the signal itself. */
export function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const onAbort = () => {
      timer.cancel();
      resolve();
    };
    const timer = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Runs tasks one at a time per key, in the order of asking. A failed task does not stop those behind it. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const result = before.then(work, work);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return result;
  }
}
