/**
 * Tells those in this process who wait for something durable that a commit happened, and other controllers by
 * a hint. Hints may be lost: every waiter also looks again by itself after a while. It adds nothing to a
 * commit itself.
 */
import { limits } from "../../protocol/limits.ts";
import type { Clock, Store } from "../runtime/ports.ts";
import type { CommitResult, OperationRecord, Turn } from "../runtime/records.ts";

/** What one controller tells the others after a commit. */
export interface CommitHint {
  readonly lastSequence: number;
  /** Ids of operations that ended. */
  readonly ended: readonly string[];
}

type Topic = string;
const anything: Topic = "*";

export class Commits {
  readonly #store: Pick<Store, "commit">;
  readonly #clock: Clock;
  readonly #waiting = new Map<Topic, Set<() => void>>();
  readonly #onCommit: (hint: CommitHint) => void;

  /**
   * `onCommit`: after each commit of this process that has events; the publisher and the other controllers
   * are told there.
   */
  constructor(store: Pick<Store, "commit">, clock: Clock, onCommit: (hint: CommitHint) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onCommit = onCommit;
  }

  readonly commit = async (turn: Turn): Promise<CommitResult> => {
    const result = await this.#store.commit(turn);
    if (result.kind === "committed" && result.lastSequence > 0) {
      const ended = (turn.operations ?? []).filter(hasEnded).map((operation) => operation.id);
      const hint = { lastSequence: result.lastSequence, ended };
      this.#onCommit(hint);
      this.hint(hint);
    }
    return result;
  };

  /** Something was committed, here or elsewhere. */
  hint({ ended }: CommitHint): void {
    for (const topic of [anything, ...ended]) {
      const waiting = this.#waiting.get(topic);
      this.#waiting.delete(topic);
      for (const wake of waiting ?? []) wake();
    }
  }

  /** The operation when it has ended, or undefined when the time is over first. */
  untilEnded(
    operationId: string,
    read: () => Promise<OperationRecord | undefined>,
    until: WaitOptions,
  ): Promise<OperationRecord | undefined> {
    const ended = async () => {
      const operation = await read();
      return operation !== undefined && hasEnded(operation) ? operation : undefined;
    };
    return this.#until(operationId, ended, until);
  }

  /**
   * Looks now and after every commit of anybody, until `look` answers something; undefined when the time is
   * over first.
   */
  until<T>(look: () => Promise<T | undefined>, until: WaitOptions): Promise<T | undefined> {
    return this.#until(anything, look, until);
  }

  /** Nothing is lost between two looks: a hint that comes while looking causes another look. */
  async #until<T>(
    topic: Topic,
    look: () => Promise<T | undefined>,
    { deadlineMs, signal }: WaitOptions,
  ): Promise<T | undefined> {
    for (;;) {
      const hinted = this.#next(topic, { deadlineMs, signal });
      try {
        const found = await look();
        if (found !== undefined || signal.aborted || this.#clock.monotonicMs() >= deadlineMs) return found;
        await hinted.woken;
      } finally {
        hinted.cancel();
      }
    }
  }

  #next(
    topic: Topic,
    { deadlineMs, signal }: WaitOptions,
  ): { readonly woken: Promise<void>; cancel(): void } {
    const { promise, resolve: wake } = Promise.withResolvers<void>();
    const resolve = () => wake();
    const remainingMs = Math.max(0, deadlineMs - this.#clock.monotonicMs());
    const timer = this.#clock.after(Math.min(remainingMs, limits.lookAgainMs), resolve);
    const waiting = this.#waiting.get(topic) ?? new Set();
    this.#waiting.set(topic, waiting.add(resolve));
    signal.addEventListener("abort", resolve, { once: true });
    const cancel = () => {
      timer.cancel();
      signal.removeEventListener("abort", resolve);
      waiting.delete(resolve);
      if (waiting.size === 0 && this.#waiting.get(topic) === waiting) this.#waiting.delete(topic);
    };
    return { woken: promise, cancel };
  }
}

export interface WaitOptions {
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

function hasEnded(operation: OperationRecord): boolean {
  return operation.state !== "running";
}
