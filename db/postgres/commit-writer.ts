/**
 * The one writer of a process: turns queue here, and whatever waits is committed together, up to
 * postgresLimits.commitBatchMax, in one round trip (decision 0002). At most one batch is in flight.
 *
 * The turns of a batch are first tried as one turn that does what all of them do: that is by far the
 * cheapest. When anything of it is refused, nothing of it has happened, and the same turns go again apart,
 * each with its own fate.
 *
 * Batches are numbered. When the answer to one is lost, the writer asks PostgreSQL what became of that
 * number, which also fences it off: a batch that was not applied never will be, so that its turns can be sent
 * again, in another batch. No turn is applied twice, and its caller learns the true result, unless PostgreSQL
 * stays away longer than postgresLimits.storePatienceMs; only then the outcome is open.
 */
import { randomUUID } from "node:crypto";
import type { CommitResult, Turn } from "../../actors/records/commit.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { assertTurn } from "../rules/turn-rules.ts";
import { type Database, nextBackoffMs, type ReservedConnection, type Statement } from "./database.ts";
import { failureKind, kindOfCode, outdatedSentence, storeError, unavailable } from "./failure.ts";
import { postgresLimits } from "./limits.ts";
import {
  apartText,
  type EncodedTurn,
  encodeTurn,
  mergedText,
  resultOf,
  splitOutcome,
  type TurnOutcome,
} from "./turn-text.ts";

interface Waiting {
  readonly turn: EncodedTurn;
  readonly untilMs: number;
  /** It was in a batch whose answer was lost. */
  sent: boolean;
  resolve(result: CommitResult): void;
  reject(error: StatusError): void;
}

interface Batch {
  readonly turns: Waiting[];
  /** The batch is sent as one commit with the changes of all its turns. */
  readonly merged: boolean;
}

/** Null: the batch was not applied, and never will be. */
type Outcomes = readonly TurnOutcome[] | null;

export interface WriterOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** See OpenStoreOptions; called once. */
  readonly onOutdated?: ((sentence: string) => void) | undefined;
}

export class CommitWriter {
  readonly #id = randomUUID();
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  #onOutdated: WriterOptions["onOutdated"];
  #queue: Waiting[] = [];
  #batch = 0;
  #connection: ReservedConnection | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor({ database, clock, log, onOutdated }: WriterOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#onOutdated = onOutdated;
  }

  /**
   * @throws RESOURCE_EXHAUSTED commitQueueFull; UNAVAILABLE storeUnavailable; INTERNAL for what only a bug
   * can ask
   */
  async commit(turn: Turn): Promise<CommitResult> {
    assertTurn(turn);
    if (this.#closed) throw unavailable("The store is closed; nothing was committed.");
    if (this.#database.givenUp) throw unavailable("PostgreSQL does not answer; nothing was committed.");
    if (this.#queue.length >= postgresLimits.commitQueueMax)
      throw new StatusError("commitQueueFull", "Too many changes wait to be written.", {
        retryAfterMs: 1_000,
      });
    const encoded = encodeTurn(turn);
    const untilMs = this.#clock.monotonicMs() + postgresLimits.storePatienceMs;
    return new Promise((resolve, reject) => {
      this.#queue.push({ turn: encoded, untilMs, sent: false, resolve, reject });
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
    while (this.#queue.length > 0) {
      const turns = this.#take();
      await this.#commit({ turns, merged: turns.length > 1 });
    }
    this.#running = undefined;
  }

  /**
   * The next batch, from the front of the queue. A turn that cannot be merged goes alone; two turns of one
   * instance or host never share a batch, so that they, and their events, keep their order.
   */
  #take(): Waiting[] {
    const written = new Set<string>();
    let bytes = 0;
    let count = 0;
    for (const { turn } of this.#queue) {
      bytes += turn.bytes;
      const full = count === postgresLimits.commitBatchMax || bytes > postgresLimits.commitBatchBytesMax;
      if (count > 0 && (full || !turn.mergeable || turn.writes.some((name) => written.has(name)))) break;
      for (const name of turn.writes) written.add(name);
      count += 1;
      if (!turn.mergeable) break;
    }
    return this.#queue.splice(0, count);
  }

  async #commit(batch: Batch): Promise<void> {
    this.#batch += 1;
    const turns = batch.turns.map(({ turn }) => turn);
    const text = batch.merged ? mergedText(turns) : apartText(turns);
    let outcomes: Outcomes;
    try {
      outcomes = await this.#call(commitStatement(this.#id, this.#batch, this.#clock.nowMs(), text));
    } catch (thrown) {
      return this.#afterFailure(batch, thrown);
    }
    return this.#settle(batch, outcomes);
  }

  async #settle({ turns, merged }: Batch, outcomes: Outcomes): Promise<void> {
    if (!merged) return settle(turns, outcomes);
    const split = splitOutcome(
      outcomes?.[0],
      turns.map(({ turn }) => turn),
    );
    return split === undefined ? this.#commit({ turns, merged: false }) : settle(turns, split);
  }

  async #afterFailure({ turns, merged }: Batch, thrown: unknown): Promise<void> {
    const kind = failureKind(thrown);
    if (kind === "unreachable") {
      this.#database.missed(thrown);
      for (const waiting of turns) waiting.sent = true;
      await this.#recover({ turns, merged }, thrown);
    } else if (kind === "faulty" && turns.length > 1) {
      // One turn spoiled the whole call (a text that is no text to PostgreSQL): alone, only that one fails.
      for (const waiting of turns) await this.#commit({ turns: [waiting], merged: false });
    } else {
      for (const { reject } of turns) reject(storeError(thrown, "commit this change"));
      if (kind === "outdated") this.#end();
    }
  }

  #end(): void {
    this.#onOutdated?.(outdatedSentence);
    this.#onOutdated = undefined;
  }

  /** Ends when PostgreSQL has said what became of the batch, or when nobody waits and the store is closed. */
  async #recover(batch: Batch, thrown: unknown): Promise<void> {
    let concerned = batch.turns;
    for (let backoffMs: number = postgresLimits.storeBackoffMsMin; ; backoffMs = nextBackoffMs(backoffMs)) {
      concerned = this.#expire(concerned, thrown);
      this.#queue = this.#expire(this.#queue, thrown);
      if (this.#closed && concerned.length + this.#queue.length === 0) return;
      try {
        const outcomes = await this.#call(recoverStatement(this.#id, this.#batch, this.#clock.nowMs()));
        const applied = outcomes !== null;
        this.#log.info(
          { turns: batch.turns.length, applied },
          "A batch whose answer was lost was looked up.",
        );
        if (applied) await this.#settle(batch, outcomes);
        else this.#sendAgain(concerned);
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

  /** Rejects the callers whose waiting time is over, and answers the callers that go on waiting. */
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
  async #call(statement: Statement): Promise<Outcomes> {
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

function settle(turns: readonly Waiting[], outcomes: Outcomes): void {
  turns.forEach(({ resolve, reject }, index) => {
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
