/**
 * Reads of the store that serve all callers who wait: one read at a time, however many wait. A waiter costs
 * memory and a timer. What is to be read is named by a key; a key that is wanted again while its read is
 * under way is read again.
 *
 * Hints may be lost, so that once a second everything that is waited for is wanted again. A read that fails
 * ends no wait: the next one may succeed. Only a wait whose time is over while reads fail ends with their
 * error.
 */
import type { Clock, Timer } from "../../../protocol/wire/transport.ts";
import { requestLimits } from "./limits.ts";

export interface WaitOptions {
  /** On the monotonic clock. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

export interface SharedReadsOptions<K> {
  readonly clock: Clock;
  /**
   * Reads what these keys name, and settles the waits that it answers; at most `requestLimits.keysReadMax`.
   */
  readonly read: (keys: readonly K[]) => Promise<void>;
  /** What is wanted in case hints were lost. */
  readonly again: () => Promise<Iterable<K>>;
}

export class SharedReads<K> {
  readonly #options: SharedReadsOptions<K>;
  readonly #wanted = new Set<K>();
  #reading = false;
  #waiting = 0;
  #timer: Timer | undefined;
  /** Of the last read; undefined: it succeeded. */
  #failure: { readonly error: unknown } | undefined;

  constructor(options: SharedReadsOptions<K>) {
    this.#options = options;
  }

  /** Number of waits. */
  get waiting(): number {
    return this.#waiting;
  }

  want(keys: Iterable<K>): void {
    for (const key of keys) this.#wanted.add(key);
    if (!this.#reading && this.#wanted.size > 0) void this.#run();
  }

  /**
   * Waits until `settle` is called, which `begin` gets; or, at the deadline and when the caller has gone, for
   * what `over` gives or throws. `begin` registers the wait, and returns what ends its registration.
   */
  wait<T>(
    { deadlineMs, signal }: WaitOptions,
    begin: (settle: (value: T) => void) => () => void,
    over: () => T,
  ): Promise<T> {
    const { clock } = this.#options;
    const leftMs = deadlineMs - clock.monotonicMs();
    if (signal.aborted || leftMs <= 0) return Promise.resolve(over());
    return new Promise((resolve, reject) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener("abort", expire);
        leave();
        this.#count(-1);
      };
      const expire = () => {
        end();
        if (this.#failure === undefined) resolve(overNow());
        else reject(this.#failure.error);
      };
      // What it throws rejects.
      const overNow = async () => over();
      const timer = clock.after(leftMs, expire);
      signal.addEventListener("abort", expire, { once: true });
      this.#count(1);
      const leave = begin((value) => {
        end();
        resolve(value);
      });
    });
  }

  #count(change: 1 | -1): void {
    this.#waiting += change;
    if (this.#waiting === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else this.#timer ??= this.#inASecond();
  }

  #inASecond(): Timer {
    return this.#options.clock.after(requestLimits.lookAgainMs, () => void this.#lookAgain());
  }

  async #lookAgain(): Promise<void> {
    const timer = this.#timer;
    await this.#attempt(async () => this.want(await this.#options.again()));
    // Unless all waits ended meanwhile, and new ones began: they have a timer of their own.
    if (this.#timer === timer) this.#timer = this.#waiting > 0 ? this.#inASecond() : undefined;
  }

  async #run(): Promise<void> {
    this.#reading = true;
    while (this.#wanted.size > 0) {
      const keys = [...this.#wanted].slice(0, requestLimits.keysReadMax);
      for (const key of keys) this.#wanted.delete(key);
      await this.#attempt(() => this.#options.read(keys));
    }
    this.#reading = false;
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { error };
    }
  }
}
