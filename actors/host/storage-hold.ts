/**
 * The host's lease on the storage that it shares, as its agent holds it. The storage may not answer, or say
 * nonsense: then nothing is known, which is an answer too. It must never keep the agent waiting for long, nor
 * ask a storage that has not answered yet once more.
 */
import { limits } from "../../protocol/limits.ts";
import type { Clock, LeaseKey, Log } from "../runtime/ports.ts";
import type { StorageLeases } from "../runtime/storage-leases.ts";

/** `unknown`: there is no such storage, or it does not answer. */
export type StorageHolding = "held" | "uncovered" | "taken" | "unknown";

export interface StorageHoldOptions {
  readonly leases: StorageLeases | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

interface Pending {
  readonly epoch: number;
  readonly answer: Promise<StorageHolding>;
}

export class StorageHold {
  readonly #options: StorageHoldOptions;
  #pending: Pending | undefined;
  #failed = false;

  constructor(options: StorageHoldOptions) {
    this.#options = options;
  }

  /** Never rejects; takes limits.storageAnswerTimeoutMs at the most. */
  async of(lease: LeaseKey): Promise<StorageHolding> {
    const { leases, log } = this.#options;
    if (leases === undefined || lease.epoch === 0) return "unknown";
    try {
      const { epoch, answer } = this.#ask(leases, lease);
      const holding = await this.#within(answer);
      this.#failed = false;
      return epoch === lease.epoch ? holding : "unknown";
    } catch (error) {
      if (!this.#failed) log.warn({ err: error }, "the lease on the shared storage is not held");
      this.#failed = true;
      return "unknown";
    }
  }

  /** Never rejects; takes as long at the most. */
  async close(): Promise<void> {
    const { leases, log } = this.#options;
    try {
      if (leases !== undefined) await this.#within(leases.close());
    } catch (error) {
      log.warn({ err: error }, "the lease on the shared storage ends with the process");
    }
  }

  #ask(leases: StorageLeases, lease: LeaseKey): Pending {
    if (this.#pending !== undefined) return this.#pending;
    const pending = { epoch: lease.epoch, answer: leases.hold(lease) };
    this.#pending = pending;
    const done = () => {
      this.#pending = undefined;
    };
    pending.answer.then(done, done);
    return pending;
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = this.#options.clock.after(limits.storageAnswerTimeoutMs, () =>
      late.reject(new Error("The shared storage does not answer.")),
    );
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      timer.cancel();
    }
  }
}
