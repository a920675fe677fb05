/**
 * The one writer of a thread: commits queue here (commit-queue.ts), and whatever waits is committed together,
 * up to postgresLimits.commitBatchMax, in one round trip (decision 0002). At most one batch is in flight.
 *
 * The commits of a batch are first tried as one commit that does what all of them do: that is by far the
 * cheapest. When anything of it is refused, nothing of it has happened, and the same commits go again apart,
 * each with its own fate.
 *
 * Batches are numbered. When the answer to one is lost, the writer asks PostgreSQL what became of that
 * number, which also fences it off: a batch that was not applied never will be, so that its commits can be
 * sent again, in another batch. No commit is applied twice, and its caller learns the true result, unless
 * PostgreSQL stays away longer than postgresLimits.storePatienceMs; only then the outcome is open.
 */
import { randomUUID } from "node:crypto";
import type { WriterPicture } from "../../actors/ports/store.ts";
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { assertCommit } from "../rules/commit-rules.ts";
import { CommitQueue, type Queued } from "./commit-queue.ts";
import {
  apartText,
  type CommitOutcome,
  encodeTurn,
  freeingFirst,
  mergedText,
  type RehearsalOutcome,
  refusalOf,
  resultOf,
  splitOutcome,
} from "./commit-text.ts";
import { type Database, nextBackoffMs, type ReservedConnection, type Statement } from "./database.ts";
import { failureKind, kindOfCode, outdatedSentence, storeError, unavailable } from "./failure.ts";
import { postgresLimits } from "./limits.ts";
import type { StoreMeter } from "./store-meter.ts";

interface Waiting extends Queued {
  readonly askedAtMs: number;
  readonly untilMs: number;
  /** It was in a batch whose answer was lost. */
  sent: boolean;
  resolve(result: CommitResult): void;
  reject(error: StatusError): void;
}

interface Batch {
  readonly turns: Waiting[];
  /** The batch is sent as one commit with the changes of all its commits. */
  readonly merged: boolean;
}

/** Null: the batch was not applied, and never will be. */
type Outcomes = readonly CommitOutcome[] | null;

export interface WriterOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** See OpenStoreOptions; called once. */
  readonly onOutdated?: ((sentence: string) => void) | undefined;
  /** Absent: nobody counts. */
  readonly meter?: StoreMeter | undefined;
}

export class CommitWriter {
  readonly #id = randomUUID();
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #meter: StoreMeter | undefined;
  #onOutdated: WriterOptions["onOutdated"];
  readonly #queue = new CommitQueue<Waiting>();
  #batch = 0;
  /** The batch under way: the number of its commits, and when it was taken from the queue. */
  #writing: { readonly commits: number; readonly sinceMs: number } | undefined;
  #connection: ReservedConnection | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor({ database, clock, log, onOutdated, meter }: WriterOptions) {
    this.#database = database;
    this.#clock = clock;
    this.#log = log;
    this.#onOutdated = onOutdated;
    this.#meter = meter;
    meter?.look(() => ({ ...database.connections, commitsWaiting: this.#queue.length }));
  }

  /**
   * @throws RESOURCE_EXHAUSTED commitQueueFull; UNAVAILABLE storeUnavailable; INTERNAL for what only a bug
   * can ask
   */
  async commit(commit: Commit): Promise<CommitResult> {
    assertCommit(commit);
    if (this.#closed) throw unavailable("The store is closed; nothing was committed.");
    if (this.#database.givenUp) throw unavailable("PostgreSQL does not answer; nothing was committed.");
    if (this.#queue.length >= postgresLimits.commitQueueMax)
      throw new StatusError("commitQueueFull", "Too many changes wait to be written.", {
        retryAfterMs: 1_000,
      });
    const encoded = encodeTurn(commit);
    const askedAtMs = this.#clock.monotonicMs();
    const untilMs = askedAtMs + postgresLimits.storePatienceMs;
    return new Promise((resolve, reject) => {
      const asked = commit.request !== undefined;
      this.#queue.push({ commit: encoded, asked, askedAtMs, untilMs, sent: false, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** As it is shown to people who debug. */
  look(): WriterPicture {
    const { commits: writing = 0, sinceMs = 0 } = this.#writing ?? {};
    const writingMs = writing === 0 ? 0 : this.#clock.monotonicMs() - sinceMs;
    return { waiting: this.#queue.length, writing, writingMs };
  }

  /**
   * What `commit` would answer now. It stands in no queue and belongs to no batch, because it may be asked
   * again. @throws UNAVAILABLE storeUnavailable; INTERNAL for what only a bug can ask
   */
  async rehearse(commit: Commit): Promise<Rehearsed> {
    assertCommit(commit);
    const statement = rehearsalStatement(apartText([encodeTurn(commit)]), this.#clock.nowMs());
    const [row] = await this.#database.read(statement, "rehearse a commit");
    const outcome = row?.[0] as RehearsalOutcome | undefined;
    if (outcome === undefined) throw storeError(new Error("no result came"), "rehearse this change");
    if (outcome.kind === "failed") throw failed(outcome);
    return outcome.kind === "possible" ? outcome : refusalOf(outcome);
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
      const commits = freeingFirst(this.#queue.take());
      const nowMs = this.#clock.monotonicMs();
      this.#writing = { commits: commits.length, sinceMs: nowMs };
      this.#meter?.sent(commits.map(({ askedAtMs }) => nowMs - askedAtMs));
      await this.#commit({ turns: commits, merged: commits.length > 1 });
      this.#writing = undefined;
    }
    this.#running = undefined;
  }

  async #commit(batch: Batch): Promise<void> {
    this.#batch += 1;
    const commits = batch.turns.map(({ commit }) => commit);
    const text = batch.merged ? mergedText(commits) : apartText(commits);
    let outcomes: Outcomes;
    const sentAtMs = this.#clock.monotonicMs();
    try {
      outcomes = await this.#call(commitStatement(this.#id, this.#batch, this.#clock.nowMs(), text));
    } catch (thrown) {
      return this.#afterFailure(batch, thrown);
    } finally {
      this.#meter?.answered(commits.length, this.#clock.monotonicMs() - sentAtMs);
    }
    return this.#settle(batch, outcomes);
  }

  async #settle({ turns: commits, merged }: Batch, outcomes: Outcomes): Promise<void> {
    if (!merged) return settle(commits, outcomes);
    const split = splitOutcome(
      outcomes?.[0],
      commits.map(({ commit }) => commit),
    );
    return split === undefined ? this.#commit({ turns: commits, merged: false }) : settle(commits, split);
  }

  async #afterFailure({ turns: commits, merged }: Batch, thrown: unknown): Promise<void> {
    const kind = failureKind(thrown);
    if (kind === "unreachable") {
      this.#database.missed(thrown);
      for (const waiting of commits) waiting.sent = true;
      await this.#recover({ turns: commits, merged }, thrown);
    } else if (kind === "faulty" && commits.length > 1) {
      // One commit spoiled the whole call (a text that is no text to PostgreSQL): alone, only that one fails.
      for (const waiting of commits) await this.#commit({ turns: [waiting], merged: false });
    } else {
      for (const { reject } of commits) reject(storeError(thrown, "commit this change"));
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
      this.#queue.filter((one) => !this.#isLate(one, thrown));
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

  #sendAgain(concerned: readonly Waiting[]): void {
    for (const waiting of concerned) waiting.sent = false;
    this.#queue.putBack(concerned);
  }

  /** The callers that go on waiting. */
  #expire(waiting: readonly Waiting[], cause: unknown): Waiting[] {
    return waiting.filter((one) => !this.#isLate(one, cause));
  }

  /** Whether the caller's waiting time is over; then it is told. */
  #isLate({ sent, untilMs, reject }: Waiting, cause: unknown): boolean {
    if (!this.#closed && untilMs > this.#clock.monotonicMs()) return false;
    const outcome = sent ? "the change may have been committed" : "nothing was committed";
    reject(unavailable(`PostgreSQL does not answer; ${outcome}.`, cause));
    return true;
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

/** The text is that of a batch of one. */
function rehearsalStatement(turns: string, nowMs: number): Statement {
  const text = "select novact_rehearse($1::jsonb->0, $2)";
  return { name: "novact_rehearse", text, values: [turns, nowMs] };
}

function recoverStatement(writer: string, batch: number, nowMs: number): Statement {
  return { text: "select novact_recover($1, $2, $3)", values: [writer, batch, nowMs] };
}

function settle(commits: readonly Waiting[], outcomes: Outcomes): void {
  commits.forEach(({ resolve, reject }, index) => {
    const outcome = outcomes?.[index];
    if (outcome === undefined) reject(storeError(new Error("no result came"), "commit this change"));
    else if (outcome.kind === "failed") reject(failed(outcome));
    else resolve(resultOf(outcome));
  });
}

function failed({ code, message, constraint }: Extract<CommitOutcome, { kind: "failed" }>): StatusError {
  if (kindOfCode(code) !== "faulty") return unavailable("PostgreSQL could not commit the change now.");
  const detail = `${code} ${message} ${constraint}`;
  return new StatusError("internal", "A turn that may not be was refused by the store.", { detail });
}
