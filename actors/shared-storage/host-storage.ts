/**
 * A host's access to storage leases: its own, which its agent holds, and those of other hosts, about which
 * controllers ask it. A storage that does not answer, or answers nonsense, is reported as `unknown`. It must
 * never keep the agent waiting for long, nor send a second call to a storage that has not answered the first:
 * each such call may occupy one of the few threads that read files.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { LeaseKey } from "../ports/signs-of-life.ts";
import type { StorageLeaseState, StorageLeases } from "../ports/storage-leases.ts";
import { sharedStorageLimits } from "./limits.ts";

/** As StorageLeases.hold answers; `unknown`: the host shares no storage, or the storage does not answer. */
export type StorageHolding = "held" | "uncovered" | "taken" | "unknown";

export interface HostStorageOptions {
  /** Absent: the host shares no storage. */
  readonly leases: StorageLeases | undefined;
  readonly storageId: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

interface Pending {
  readonly leaseEpoch: number;
  readonly answer: Promise<StorageHolding>;
}

export class HostStorage {
  readonly #options: HostStorageOptions;
  #holding: Pending | undefined;
  #failed = false;
  #questions = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: HostStorageOptions) {
    this.#options = options;
  }

  get id(): string | null {
    return this.#options.storageId;
  }

  /** Never rejects; takes sharedStorageLimits.storageAnswerTimeoutMs at the most. */
  async hold(lease: LeaseKey): Promise<StorageHolding> {
    const { leases, log } = this.#options;
    if (leases === undefined || lease.leaseEpoch === 0) return "unknown";
    try {
      const { leaseEpoch, answer } = this.#ask(leases, lease);
      const holding = await this.#within(answer);
      this.#failed = false;
      return leaseEpoch === lease.leaseEpoch ? holding : "unknown";
    } catch (error) {
      if (!this.#failed) log.warn({ err: error }, "the lease on the shared storage is not held");
      this.#failed = true;
      return "unknown";
    }
  }

  /** Looks at (or takes) the storage lease of another host; one question at a time. @throws storageUnknown */
  async examine(lease: LeaseKey, take: boolean): Promise<StorageLeaseState> {
    const { leases, log } = this.#options;
    if (leases === undefined) return "absent";
    if (this.#questions >= sharedStorageLimits.storageQuestionsMax) throw unknown();
    this.#questions += 1;
    const answer = this.#last.then(() => leases.examine(lease, take));
    this.#last = answer.catch(() => undefined).finally(() => (this.#questions -= 1));
    try {
      return await this.#within(answer);
    } catch (error) {
      log.warn({ err: error, lease }, "a lease on the shared storage could not be looked at");
      throw unknown();
    }
  }

  /** Never rejects; takes sharedStorageLimits.storageAnswerTimeoutMs at the most. */
  async close(): Promise<void> {
    const { leases, log } = this.#options;
    try {
      if (leases !== undefined) await this.#within(leases.close());
    } catch (error) {
      log.warn({ err: error }, "the lease on the shared storage ends with the process");
    }
  }

  #ask(leases: StorageLeases, lease: LeaseKey): Pending {
    if (this.#holding !== undefined) return this.#holding;
    const pending = { leaseEpoch: lease.leaseEpoch, answer: leases.hold(lease) };
    this.#holding = pending;
    const done = () => {
      this.#holding = undefined;
    };
    pending.answer.then(done, done);
    return pending;
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = this.#options.clock.after(sharedStorageLimits.storageAnswerTimeoutMs, () =>
      late.reject(new Error("The shared storage does not answer.")),
    );
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      timer.cancel();
    }
  }
}

const unknown = (): StatusError =>
  new StatusError("storageUnknown", "The shared storage does not say who holds its leases.");
