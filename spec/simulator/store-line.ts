/**
 * The store's one line of commits, as PostgreSQL has it: each connection has one writer, which sends what
 * waits as a batch and has one batch in flight; the batches of all connections are applied one after the
 * other, in the order in which they came, each turn with a fate of its own. While somebody else holds the
 * line they all wait, and what waits for longer than a statement may take is rolled back. It applies nothing
 * itself.
 */
import { postgresLimits } from "../../db/postgres/limits.ts";
import { type Kernel, nobody, type Owner } from "./kernel.ts";
import type { SimulatedProcess } from "./process.ts";

/** One turn that waits to be written. */
export interface Written {
  /** Applies it; the promise ends as the turn does. */
  apply(): Promise<void>;
  /** It was rolled back with its whole batch. */
  refuse(): void;
}

/** One end of the store; a controller has two. */
export interface Connection {
  readonly process: SimulatedProcess;
}

interface Writer {
  readonly connection: Connection;
  readonly owner: Owner;
  readonly waiting: Written[];
  inFlight: boolean;
}

interface Batch {
  readonly turns: readonly Written[];
  readonly writer: Writer;
}

export interface StoreLineOptions {
  readonly kernel: Kernel;
  /** From a process to the store, and back. */
  readonly wayMs: () => number;
  /** How long a batch holds the line. */
  readonly flushMs: () => number;
  readonly isReached: (by: Owner) => boolean;
  /** Drawn for each batch. */
  readonly rollsBack: () => boolean;
}

/** How often a writer that found the store away looks for it again. */
const lookAgainMs = 100;

export class StoreLine {
  /** Somebody holds it until then. */
  heldUntilMs = 0;
  readonly #options: StoreLineOptions;
  readonly #writers = new Map<Connection, Writer>();
  /** Turns of batches that are under way. */
  #sent = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: StoreLineOptions) {
    this.#options = options;
  }

  /** Turns that may still be applied. */
  get pending(): number {
    const waiting = [...this.#writers.values()].filter(({ owner }) => owner.alive);
    return waiting.reduce((sum, writer) => sum + writer.waiting.length, this.#sent);
  }

  write(connection: Connection, commit: Written): void {
    const fresh = { connection, owner: connection.process, waiting: [], inFlight: false };
    const writer = this.#writers.get(connection) ?? fresh;
    this.#writers.set(connection, writer);
    writer.waiting.push(commit);
    if (!writer.inFlight) this.#send(writer);
  }

  #send(writer: Writer): void {
    const { kernel } = this.#options;
    if (writer.waiting.length === 0) {
      this.#writers.delete(writer.connection);
      return;
    }
    writer.inFlight = true;
    // Everything that is asked for at this moment goes into the batch.
    kernel.soon(writer.owner, "", () => {
      const commits = writer.waiting.splice(0, postgresLimits.commitBatchMax);
      this.#sent += commits.length;
      void this.#carry({ turns: commits, writer });
    });
  }

  async #carry(batch: Batch): Promise<void> {
    const { kernel, wayMs, isReached } = this.#options;
    await kernel.sleep(nobody, wayMs(), "");
    const untilMs = kernel.nowMs + postgresLimits.storePatienceMs;
    while (!isReached(batch.writer.owner) && kernel.nowMs < untilMs)
      await kernel.sleep(nobody, lookAgainMs, "");
    const arrivedMs = kernel.nowMs;
    this.#last = this.#last.then(() => this.#perform(batch, arrivedMs));
  }

  async #perform({ turns: commits, writer }: Batch, arrivedMs: number): Promise<void> {
    const { kernel, flushMs, isReached, rollsBack } = this.#options;
    const heldMs = this.heldUntilMs - kernel.nowMs;
    if (heldMs > 0) await kernel.sleep(nobody, heldMs, "");
    const late = kernel.nowMs - arrivedMs > postgresLimits.storeTimeoutMs;
    if (late || !isReached(writer.owner) || rollsBack()) for (const commit of commits) commit.refuse();
    else {
      for (const commit of commits) await commit.apply();
      await kernel.sleep(nobody, flushMs(), "");
    }
    this.#sent -= commits.length;
    this.#answered(writer);
  }

  /** Sends the writer's next batch once the answer to this batch has arrived. */
  #answered(writer: Writer): void {
    const { kernel, wayMs } = this.#options;
    kernel.after(writer.owner, wayMs(), "", () => {
      writer.inFlight = false;
      this.#send(writer);
    });
  }
}
