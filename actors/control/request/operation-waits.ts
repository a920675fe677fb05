/**
 * Waiting for the ends of operations. An end that this process commits wakes its waiters with what was
 * committed; all others are looked for together, by one statement for everything that is waited for.
 */
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { OperationRecord } from "../../records/instance.ts";
import { SharedReads, type WaitOptions } from "./shared-reads.ts";

/** An operation that has ended. */
export interface Ended {
  readonly operation: OperationRecord;
  /** Its instance after the commit that ended the operation, if this process made that commit. */
  readonly row?: InstanceRow | undefined;
}

type EndedById = ReadonlyMap<string, Ended>;

interface Waiter {
  readonly left: Set<string>;
  readonly ended: Map<string, Ended>;
  settle(ended: EndedById): void;
}

export class OperationWaits {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #reads: SharedReads<string>;

  constructor(store: StorePart<{ operations: "ended" }>, clock: Clock) {
    const read = async (ids: readonly string[]) => {
      const waited = ids.filter((id) => this.#waiters.has(id));
      if (waited.length === 0) return;
      for (const operation of await store.operations.ended(waited)) this.ended({ operation });
    };
    this.#reads = new SharedReads({ clock, read, again: async () => this.#waiters.keys() });
  }

  get waiting(): number {
    return this.#reads.waiting;
  }

  /** Operations may have ended, as another controller says. */
  hinted(ids: Iterable<string>): void {
    this.#reads.want([...ids].filter((id) => this.#waiters.has(id)));
  }

  ended(one: Ended): void {
    const { id } = one.operation;
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    this.#waiters.delete(id);
    for (const waiter of waiters) {
      waiter.left.delete(id);
      waiter.ended.set(id, one);
      if (waiter.left.size === 0) waiter.settle(waiter.ended);
    }
  }

  /**
   * Waits until all of these have ended; answers those that have, which at the deadline are not all.
   * `isRunning`: known to run here, so that it need not be looked for first.
   * @throws UNAVAILABLE storeUnavailable
   */
  until(
    ids: readonly string[],
    isRunning: (id: string) => boolean,
    options: WaitOptions,
  ): Promise<EndedById> {
    const left = new Set(ids);
    const ended = new Map<string, Ended>();
    if (left.size === 0) return Promise.resolve(ended);
    const begin = (settle: (ended: EndedById) => void) => {
      const leave = this.#join({ left, ended, settle });
      this.#reads.want(ids.filter((id) => !isRunning(id)));
      return leave;
    };
    return this.#reads.wait(options, begin, () => ended);
  }

  #join(waiter: Waiter): () => void {
    for (const id of waiter.left) {
      const waiters = this.#waiters.get(id) ?? new Set();
      this.#waiters.set(id, waiters.add(waiter));
    }
    return () => {
      for (const id of waiter.left) {
        const waiters = this.#waiters.get(id);
        waiters?.delete(waiter);
        if (waiters?.size === 0) this.#waiters.delete(id);
      }
    };
  }
}
