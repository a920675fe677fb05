/**
 * The making of volumes that are not there yet, each a work of its own: a copy of an image takes minutes, and
 * outlasts whoever has asked for it. Who needs the volume waits for its end, also who comes later, for a
 * later epoch of it; nobody begins a second copy. One for which nobody has waited for long is called off.
 */
import type { Clock, Timer } from "../../../protocol/wire/transport.ts";
import { machineLimits } from "./limits.ts";

interface Making {
  readonly done: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
  timer: Timer | undefined;
}

export interface AskedMaking {
  readonly volumeId: string;
  readonly clock: Pick<Clock, "after">;
  /** Of who waits: the making itself goes on. */
  readonly signal: AbortSignal;
}

export class VolumeMakings {
  readonly #running = new Map<string, Making>();

  /** @throws what the making throws; AbortError when who waits is called off */
  make(asked: AskedMaking, begin: (signal: AbortSignal) => Promise<void>): Promise<void> {
    return this.#wait(this.#running.get(asked.volumeId) ?? this.#begin(asked.volumeId, begin), asked);
  }

  /** Waits for the end of a making, where one is under way. @throws AbortError */
  async settled(asked: AskedMaking): Promise<void> {
    const making = this.#running.get(asked.volumeId);
    if (making === undefined) return;
    await this.#wait(making, asked).catch(() => asked.signal.throwIfAborted());
  }

  /** Resolves when none is under way any more. */
  async callOff(volumeId: string): Promise<void> {
    const making = this.#running.get(volumeId);
    making?.abort.abort();
    await making?.done.catch(() => undefined);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((volumeId) => this.callOff(volumeId)));
  }

  #begin(volumeId: string, begin: (signal: AbortSignal) => Promise<void>): Making {
    const abort = new AbortController();
    const done = begin(abort.signal).finally(() => {
      making.timer?.cancel();
      this.#running.delete(volumeId);
    });
    const making: Making = { done, abort, waiting: 0, timer: undefined };
    this.#running.set(volumeId, making);
    return making;
  }

  async #wait(making: Making, { volumeId, clock, signal }: AskedMaking): Promise<void> {
    making.timer?.cancel();
    making.waiting += 1;
    try {
      await orAborted(making.done, signal);
    } finally {
      making.waiting -= 1;
      if (making.waiting === 0 && this.#running.get(volumeId) === making)
        making.timer = clock.after(machineLimits.makingUnwantedMsMax, () => making.abort.abort());
    }
  }
}

function orAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
