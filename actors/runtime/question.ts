/**
 * A question under way, and the deadlines of all questions of one actor system.
 *
 * A question ends exactly once: by its answer, by a failure, by its deadline, or by the asker's signal. Each
 * of these goes through `#close`, which also frees everything held for the question. A question must never
 * end twice or be forgotten.
 */
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Timer } from "../../protocol/wire/transport.ts";
import type { Pending } from "./mailbox.ts";
import type { AskOptions, Reply } from "./system.ts";

/**
 * Deadlines by the millisecond: questions with the same deadline share a set and a timer, so that a busy
 * system has at most a thousand timers for a second of deadlines, however many questions are under way.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, { readonly timer: Timer; readonly questions: Set<Expiring> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  add(question: Expiring, deadlineMs: number): void {
    const key = Math.ceil(deadlineMs);
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) {
      bucket.questions.add(question);
      return;
    }
    const timer = this.#clock.after(key - this.#clock.monotonicMs(), () => this.#expire(key));
    this.#buckets.set(key, { timer, questions: new Set([question]) });
  }

  remove(question: Expiring, deadlineMs: number): void {
    const key = Math.ceil(deadlineMs);
    const bucket = this.#buckets.get(key);
    if (bucket === undefined || !bucket.questions.delete(question) || bucket.questions.size > 0) return;
    bucket.timer.cancel();
    this.#buckets.delete(key);
  }

  #expire(key: number): void {
    const bucket = this.#buckets.get(key);
    this.#buckets.delete(key);
    for (const question of bucket?.questions ?? []) question.expire();
  }
}

export interface Expiring {
  expire(): void;
}

export interface QuestionOptions extends AskOptions {
  readonly actor: string;
  readonly deadlines: Deadlines;
  /** Called once, when the question has ended; possibly before its constructor returns. */
  readonly ended: (question: Pending) => void;
}

export class Question<A> implements Reply<A>, Pending, Expiring {
  readonly answer: Promise<A>;
  readonly #options: QuestionOptions;
  readonly #resolve: (answer: A) => void;
  readonly #reject: (error: StatusError) => void;
  #onAbort: (() => void) | undefined;
  #done = false;

  constructor(options: QuestionOptions) {
    this.#options = options;
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#begin();
  }

  get done(): boolean {
    return this.#done;
  }

  ok(answer: A): void {
    if (this.#close()) this.#resolve(answer);
  }

  fail(error: Error): void {
    if (this.#close()) this.#reject(StatusError.from(error, `Asking ${this.#options.actor}`));
  }

  expire(): void {
    this.fail(new StatusError("timeout", `${this.#options.actor} did not answer before the deadline.`));
  }

  #begin(): void {
    const { deadlineMs, deadlines, signal } = this.#options;
    if (signal?.aborted === true) this.#abort();
    else if (deadlineMs > deadlines.monotonicMs) this.#await(signal);
    else this.expire();
  }

  #await(signal: AbortSignal | undefined): void {
    this.#options.deadlines.add(this, this.#options.deadlineMs);
    if (signal === undefined) return;
    this.#onAbort = () => this.#abort();
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  #abort(): void {
    const cause = this.#options.signal?.reason;
    this.fail(
      new StatusError("cancelled", `The question to ${this.#options.actor} was withdrawn.`, { cause }),
    );
  }

  /** False when the question had ended before. */
  #close(): boolean {
    if (this.#done) return false;
    this.#done = true;
    const { deadlines, deadlineMs, signal, ended } = this.#options;
    deadlines.remove(this, deadlineMs);
    if (this.#onAbort !== undefined) signal?.removeEventListener("abort", this.#onAbort);
    ended(this);
    return true;
  }
}
