/**
 * Budgets of messages and bytes: a token bucket for each name (a project, a host's method), and one for all
 * names beyond those that are remembered. Pure but for the time that is passed in; nothing of a message is
 * read here but its size.
 *
 * What is remembered is bounded without forgetting anybody's debt: the names of the last period and of the
 * one before are kept, and a bucket that nobody touched for a whole period is full again.
 */

export interface Rate {
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  /** Bodies and headers. */
  readonly bytesPerSecond: number;
  readonly bytesBurst: number;
}

interface Bucket {
  messages: number;
  bytes: number;
  atMs: number;
}

const secondMs = 1_000;

export class Budgets {
  readonly #rate: Rate;
  readonly #namesMax: number;
  /** Longer than any bucket takes to fill. */
  readonly #periodMs: number;
  #recent = new Map<string, Bucket>();
  #former = new Map<string, Bucket>();
  #sinceMs = 0;
  readonly #others: Bucket;

  /**
   * `namesMax`: names remembered at once; further ones share one bucket. `owes`: budgets are spent into debt,
   * and are remembered until a debt is paid as well.
   */
  constructor(rate: Rate, namesMax: number, owes = false) {
    this.#rate = rate;
    this.#namesMax = namesMax;
    const { messagesPerSecond, messagesBurst, bytesPerSecond, bytesBurst } = rate;
    const fullMs = secondMs * Math.max(messagesBurst / messagesPerSecond, bytesBurst / bytesPerSecond);
    this.#periodMs = owes ? 2 * fullMs : fullMs;
    this.#others = this.#full(0);
  }

  /** Number of names that are remembered. */
  get remembered(): number {
    return this.#recent.size + this.#former.size;
  }

  /**
   * True when the message is within the name's budget, which it is then taken from. A message that is larger
   * than the whole bucket takes all of it.
   */
  take(name: string, bytes: number, nowMs: number): boolean {
    const bucket = this.#filled(name, nowMs);
    const cost = Math.min(bytes, this.#rate.bytesBurst);
    if (bucket.messages < 1 || bucket.bytes < cost) return false;
    bucket.messages -= 1;
    bucket.bytes -= cost;
    return true;
  }

  /** In how many ms there is a message and a byte to spend; 0: now. */
  leftInMs(name: string, nowMs: number): number {
    const { messages, bytes } = this.#filled(name, nowMs);
    const { messagesPerSecond, bytesPerSecond } = this.#rate;
    const seconds = Math.max((1 - messages) / messagesPerSecond, (1 - bytes) / bytesPerSecond);
    return Math.max(0, Math.ceil(secondMs * seconds));
  }

  /** Takes what was done already, also when it is more than there is: the rest is a debt, up to a burst. */
  spend(name: string, { messages, bytes }: Pick<Bucket, "messages" | "bytes">, nowMs: number): void {
    const bucket = this.#filled(name, nowMs);
    bucket.messages = Math.max(-this.#rate.messagesBurst, bucket.messages - messages);
    bucket.bytes = Math.max(-this.#rate.bytesBurst, bucket.bytes - bytes);
  }

  #filled(name: string, nowMs: number): Bucket {
    const bucket = this.#bucketOf(name, nowMs);
    const { messagesPerSecond, messagesBurst, bytesPerSecond, bytesBurst } = this.#rate;
    const seconds = Math.max(0, nowMs - bucket.atMs) / secondMs;
    bucket.atMs = Math.max(bucket.atMs, nowMs);
    bucket.messages = Math.min(messagesBurst, bucket.messages + seconds * messagesPerSecond);
    bucket.bytes = Math.min(bytesBurst, bucket.bytes + seconds * bytesPerSecond);
    return bucket;
  }

  #bucketOf(name: string, nowMs: number): Bucket {
    if (nowMs - this.#sinceMs > this.#periodMs) this.#turnOver(nowMs);
    const recent = this.#recent.get(name);
    if (recent !== undefined) return recent;
    if (this.#recent.size >= this.#namesMax) return this.#others;
    const bucket = this.#former.get(name) ?? this.#full(nowMs);
    this.#former.delete(name);
    this.#recent.set(name, bucket);
    return bucket;
  }

  #turnOver(nowMs: number): void {
    const longAgo = nowMs - this.#sinceMs > 2 * this.#periodMs;
    this.#former = longAgo ? new Map() : this.#recent;
    this.#recent = new Map();
    this.#sinceMs = nowMs;
  }

  #full(atMs: number): Bucket {
    return { messages: this.#rate.messagesBurst, bytes: this.#rate.bytesBurst, atMs };
  }
}
