/**
 * The connections to PostgreSQL that MikroORM holds, for the hot statements: prepared once per connection,
 * rows as arrays, integers as numbers. A statement that only reads is tried again while PostgreSQL is away,
 * for postgresLimits.storePatienceMs; when it has been away for longer, calls fail at once. This file must
 * never log a parameter or the URL.
 */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import { storable } from "../rows/storable.ts";
import { failureKind, storeError, unavailable } from "./failure.ts";
import { postgresLimits } from "./limits.ts";
import type { StoreState } from "./store-meter.ts";

/** The part of `pg` that is used here; MikroORM owns the pool. */
interface DriverQuery {
  readonly name?: string;
  readonly text: string;
  readonly values: readonly unknown[];
  readonly rowMode: "array";
  readonly types: { getTypeParser(oid: number): (text: string) => unknown };
  readonly query_timeout: number;
}
interface DriverResult {
  readonly rows: Row[];
}
interface DriverClient {
  query(query: DriverQuery): Promise<DriverResult>;
  release(destroy?: boolean): void;
}
interface DriverPool {
  query(query: DriverQuery): Promise<DriverResult>;
  connect(): Promise<DriverClient>;
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
}

/** One row: its columns in the order of the statement. */
export type Row = unknown[];

export interface Statement {
  /** With a name it is prepared once per connection; the same name must always have the same text. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

const parsers = new Map<number, (text: string) => unknown>([
  [16, (text) => text === "t"],
  [20, Number],
  [23, Number],
  [114, JSON.parse],
  [3802, JSON.parse],
]);
const asText = (text: string): unknown => text;
const types = { getTypeParser: (oid: number) => parsers.get(oid) ?? asText };

export class Database {
  readonly #pool: DriverPool;
  readonly #clock: Clock;
  readonly #log: Log;
  #awaySinceMs: number | undefined;
  #closed = false;

  private constructor(pool: DriverPool, clock: Clock, log: Log) {
    this.#pool = pool;
    this.#clock = clock;
    this.#log = log;
  }

  static async of(em: EntityManager, clock: Clock, log: Log): Promise<Database> {
    return new Database(await em.getConnection().getNativeClient(), clock, log);
  }

  get connections(): Omit<StoreState, "commitsWaiting"> {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    const connectionsUsed = totalCount - idleCount;
    return { connectionsUsed, connectionsIdle: idleCount, statementsWaiting: waitingCount };
  }

  /** Fails at once: PostgreSQL has been away for longer than a call may wait. */
  get givenUp(): boolean {
    if (this.#closed) return true;
    const awayMs = this.#clock.monotonicMs() - (this.#awaySinceMs ?? Number.POSITIVE_INFINITY);
    return awayMs > postgresLimits.storePatienceMs;
  }

  /** A statement that may be executed more than once. @throws UNAVAILABLE storeUnavailable; INTERNAL */
  async read({ values = [], ...rest }: Statement, attempted: string): Promise<Row[]> {
    const clean = values.map((value) => (typeof value === "string" ? storable(value) : value));
    const statement = { ...rest, values: clean };
    return this.patiently(attempted, async () => (await this.#pool.query(driverQuery(statement))).rows);
  }

  /** Runs a piece of work that may be run more than once, again and again while PostgreSQL is away. */
  async patiently<T>(attempted: string, work: () => Promise<T>): Promise<T> {
    const untilMs = this.#clock.monotonicMs() + postgresLimits.storePatienceMs;
    for (let backoffMs: number = postgresLimits.storeBackoffMsMin; ; backoffMs = nextBackoffMs(backoffMs)) {
      if (this.#closed) throw unavailable(`The store is closed; it cannot ${attempted}.`);
      try {
        const answer = await work();
        this.heard();
        return answer;
      } catch (thrown) {
        const away = failureKind(thrown) === "unreachable";
        if (away) this.missed(thrown);
        const late = this.#clock.monotonicMs() + backoffMs > untilMs;
        if (!away || late || this.givenUp) throw storeError(thrown, attempted);
      }
      await this.pause(backoffMs);
    }
  }

  /** A connection for one user alone; `release(true)` when it failed. */
  async reserve(): Promise<ReservedConnection> {
    const client = await this.#pool.connect();
    return {
      run: async (statement) => {
        const { rows } = await client.query(driverQuery(statement));
        this.heard();
        return rows;
      },
      release: (broken) => client.release(broken),
    };
  }

  async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
  }

  heard(): void {
    if (this.#awaySinceMs === undefined) return;
    const awayMs = Math.round(this.#clock.monotonicMs() - this.#awaySinceMs);
    this.#awaySinceMs = undefined;
    this.#log.info({ awayMs }, "PostgreSQL answers again.");
  }

  missed(thrown: unknown): void {
    if (this.#awaySinceMs !== undefined || this.#closed) return;
    this.#awaySinceMs = this.#clock.monotonicMs();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    this.#log.warn({ reason }, "PostgreSQL does not answer; trying again.");
  }

  close(): void {
    this.#closed = true;
  }
}

export interface ReservedConnection {
  run(statement: Statement): Promise<Row[]>;
  release(broken: boolean): void;
}

export function nextBackoffMs(backoffMs: number): number {
  return Math.min(backoffMs * 2, postgresLimits.storeBackoffMsMax);
}

function driverQuery({ name, text, values = [] }: Statement): DriverQuery {
  const plain = {
    text,
    values,
    rowMode: "array",
    types,
    query_timeout: postgresLimits.storeTimeoutMs,
  } as const;
  return name === undefined ? plain : { ...plain, name };
}
