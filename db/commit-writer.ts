/**
 * The one writer of a process: turns queue here, and whatever waits is committed together, up to limits.commitBatchMax,
 * in one round trip (decision 0002). At most one batch is in flight.
 *
 * Batches are numbered. When the answer to one is lost, the writer asks PostgreSQL what became of that number, which also
 * fences it off: a batch that was not applied never will be, so that its turns can be sent again, in another batch. No
 * turn is applied twice, and its caller learns the true result, unless PostgreSQL stays away longer than
 * limits.storePatienceMs; only then the outcome is open.
 */
import { randomUUID } from "node:crypto";
import type { Clock, Log } from "../actors/runtime/ports.ts";
import type { CommitResult, Turn } from "../actors/runtime/records.ts";
import { limits } from "../protocol/limits.ts";
import { StatusError } from "../protocol/status.ts";
import { type Database, nextBackoffMs, type ReservedConnection, type Statement } from "./database.ts";
import { failureKind, kindOfCode, storeError, unavailable } from "./failure.ts";
import { assertTurn } from "./turn-rules.ts";
import { encodeTurn, resultOf, type TurnOutcome } from "./turn-text.ts";

interface Waiting {
  readonly text: string;
  readonly untilMs: number;
  /** It was in a batch whose answer was lost. */
  sent: boolean;
  resolve(result: CommitResult): void;
  reject(error: StatusError): void;
}

export interface WriterOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

export class CommitWriter {
  readonly #id = randomUUID();
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #queue: Waiting[] = [];
  #batch = 0;
  #connection: ReservedConnection | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor({ database, clock, log }: WriterOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws RESOURCE_EXHAUSTED commitQueueFull; UNAVAILABLE storeUnavailable; INTERNAL for what only a bug can ask */
  async commit(turn: Turn): Promise<CommitResult> {
    assertTurn(turn);
    if (this.#closed) throw unavailable("The store is closed; nothing was committed.");
    if (this.#database.givenUp) throw unavailable("PostgreSQL does not answer; nothing was committed.");
    if (this.#queue.length >= limits.commitQueueMax)
      throw new StatusError("commitQueueFull", "Too many changes wait to be written.", {
        retryAfterMs: 1_000,
      });
    const text = encodeTurn(turn);
    const untilMs = this.#clock.monotonicMs() + limits.storePatienceMs;
    return new Promise((resolve, reject) => {
      this.#queue.push({ text, untilMs, sent: false, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Commits what waits, then lets go of the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#connection?.release(false);
    this.#connection = undefined;
  }

  async #run(): Promise<void> {
    // One microtask later: everything that was asked for in the same breath goes into the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#commitTogether(this.#take());
    this.#running = undefined;
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { text } of this.#queue) {
      bytes += text.length;
      if (count === limits.commitBatchMax || (count > 0 && bytes > limits.commitBatchBytesMax)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commitTogether(batch: Waiting[]): Promise<void> {
    this.#batch += 1;
    try {
      const turns = `[${batch.map(({ text }) => text).join(",")}]`;
      settle(batch, await this.#call(commitStatement(this.#id, this.#batch, this.#clock.nowMs(), turns)));
    } catch (thrown) {
      await this.#afterFailure(batch, thrown);
    }
  }

  async #afterFailure(batch: Waiting[], thrown: unknown): Promise<void> {
    const kind = failureKind(thrown);
    if (kind === "unreachable") {
      this.#database.missed(thrown);
      for (const waiting of batch) waiting.sent = true;
      await this.#recover(batch, thrown);
    } else if (kind === "faulty" && batch.length > 1) {
      // One turn spoiled the whole call (a text that is no text to PostgreSQL): alone, only that one fails.
      for (const waiting of batch) await this.#commitTogether([waiting]);
    } else {
      for (const { reject } of batch) reject(storeError(thrown, "commit this change"));
    }
  }

  /** Ends when PostgreSQL has said what became of the batch, or when nobody waits and the store is closed. */
  async #recover(batch: Waiting[], thrown: unknown): Promise<void> {
    let concerned = batch;
    for (let backoffMs: number = limits.storeBackoffMsMin; ; backoffMs = nextBackoffMs(backoffMs)) {
      concerned = this.#expire(concerned, thrown);
      this.#queue = this.#expire(this.#queue, thrown);
      if (this.#closed && concerned.length + this.#queue.length === 0) return;
      try {
        const outcomes = await this.#call(recoverStatement(this.#id, this.#batch, this.#clock.nowMs()));
        this.#log.info({ turns: batch.length, applied: outcomes !== null }, "The lost batch was looked up.");
        if (outcomes === null) this.#sendAgain(concerned);
        else settle(batch, outcomes);
        return;
      } catch (again) {
        this.#database.missed(again);
      }
      await this.#database.pause(backoffMs);
    }
  }

  /** To the front, in the order in which they came. */
  #sendAgain(concerned: readonly Waiting[]): void {
    for (const waiting of concerned) waiting.sent = false;
    this.#queue = [...concerned, ...this.#queue];
  }

  /** Answers those that have waited long enough; the others stay. */
  #expire(waiting: readonly Waiting[], cause: unknown): Waiting[] {
    const nowMs = this.#clock.monotonicMs();
    const late = waiting.filter(({ untilMs }) => this.#closed || untilMs <= nowMs);
    for (const { sent, reject } of late) {
      const outcome = sent ? "the change may have been committed" : "nothing was committed";
      reject(unavailable(`PostgreSQL does not answer; ${outcome}.`, cause));
    }
    return waiting.filter((one) => !late.includes(one));
  }

  /** The one column of the one row. */
  async #call(statement: Statement): Promise<readonly TurnOutcome[] | null> {
    try {
      this.#connection ??= await this.#database.reserve();
      const [row] = await this.#connection.run(statement);
      const results = row?.[0];
      return Array.isArray(results) ? results : null;
    } catch (thrown) {
      if (failureKind(thrown) === "unreachable") {
        this.#connection?.release(true);
        this.#connection = undefined;
      }
      throw thrown;
    }
  }
}

function commitStatement(writer: string, batch: number, nowMs: number, turns: string): Statement {
  const text = "select novact_commit($1, $2, $3, $4::jsonb)";
  return { name: "novact_commit", text, values: [writer, batch, nowMs, turns] };
}

function recoverStatement(writer: string, batch: number, nowMs: number): Statement {
  return { text: "select novact_recover($1, $2, $3)", values: [writer, batch, nowMs] };
}

function settle(batch: readonly Waiting[], outcomes: readonly TurnOutcome[] | null): void {
  batch.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes?.[index];
    if (outcome === undefined) reject(storeError(new Error("no result came"), "commit this change"));
    else if (outcome.kind === "failed") reject(failed(outcome));
    else resolve(resultOf(outcome));
  });
}

function failed({ code, message, constraint }: Extract<TurnOutcome, { kind: "failed" }>): StatusError {
  if (kindOfCode(code) !== "faulty") return unavailable("PostgreSQL could not commit the change now.");
  const detail = `${code} ${message} ${constraint}`;
  return new StatusError("internal", "A turn that may not be was refused by the store.", { detail });
}
