/** Waiting for the kernel, and taking turns. */
import { setTimeout as sleep } from "node:timers/promises";
import { containerLimits } from "./limits.ts";

/** Looks until `isThere` is true; false when that takes longer. @throws AbortError */
export async function until(
  isThere: () => boolean | Promise<boolean>,
  msMax: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadlineMs = performance.now() + msMax;
  while (!(await isThere())) {
    signal?.throwIfAborted();
    if (performance.now() >= deadlineMs) return false;
    await sleep(containerLimits.proofPeriodMs);
  }
  return true;
}

/** Runs the work for one instance in order, one piece at a time. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(instanceId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(instanceId) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#last.set(instanceId, turn);
    const forget = () => {
      if (this.#last.get(instanceId) === turn) this.#last.delete(instanceId);
    };
    turn.then(forget, forget);
    return turn;
  }

  /** True while something of this instance is under way. */
  isBusy(instanceId: string): boolean {
    return this.#last.has(instanceId);
  }
}
