/**
 * The Store on PostgreSQL, over MikroORM's connections. Commits go through one writer; reads are prepared
 * statements, whose columns are those that MikroORM knows of the entities. It holds no state of its own: what
 * it answers is what the database says.
 */
import type { MikroORM } from "@mikro-orm/postgresql";
import type { Store } from "../../actors/ports/store.ts";
import type { Commit, CommitResult, Rehearsed } from "../../actors/records/commit.ts";
import { PostgresAggregateReads } from "./aggregate-reads.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { Database } from "./database.ts";
import { PostgresEventReads } from "./event-reads.ts";
import { PostgresHostReads } from "./host-reads.ts";
import { PostgresInstanceReads } from "./instance-reads.ts";
import { PostgresNetworkingReads } from "./networking-reads.ts";
import { PostgresOperationReads } from "./operation-reads.ts";
import { pruneDatabase } from "./prune.ts";
import { PostgresQuotaReads } from "./quota-reads.ts";
import { PostgresRowReads } from "./row-reads.ts";
import { PostgresServerGroupReads } from "./server-group-reads.ts";
import { PostgresSignsOfLife } from "./signs-of-life.ts";

export interface PostgresStoreParts {
  readonly orm: MikroORM;
  readonly database: Database;
  readonly writer: CommitWriter;
}

export class PostgresStore implements Store {
  readonly instances: PostgresInstanceReads;
  readonly operations: PostgresOperationReads;
  readonly events: PostgresEventReads;
  readonly rows: PostgresRowReads;
  readonly hosts: PostgresHostReads;
  readonly signsOfLife: PostgresSignsOfLife;
  readonly aggregates: PostgresAggregateReads;
  readonly serverGroups: PostgresServerGroupReads;
  readonly quotas: PostgresQuotaReads;
  readonly networking: PostgresNetworkingReads;
  readonly #orm: MikroORM;
  readonly #database: Database;
  readonly #writer: CommitWriter;

  constructor({ orm, database, writer }: PostgresStoreParts) {
    this.#orm = orm;
    this.#database = database;
    this.#writer = writer;
    this.instances = new PostgresInstanceReads(orm.em, database);
    this.operations = new PostgresOperationReads(orm.em, database);
    this.events = new PostgresEventReads(orm.em, database);
    this.rows = new PostgresRowReads(database);
    this.hosts = new PostgresHostReads(orm.em, database);
    this.signsOfLife = new PostgresSignsOfLife(database);
    this.aggregates = new PostgresAggregateReads(database);
    this.serverGroups = new PostgresServerGroupReads(database);
    this.quotas = new PostgresQuotaReads(database);
    this.networking = new PostgresNetworkingReads(database);
  }

  /** The writer of commits, for people who debug. */
  get writer(): Pick<CommitWriter, "look"> {
    return this.#writer;
  }

  async commit(commit: Commit): Promise<CommitResult> {
    return this.#writer.commit(commit);
  }

  async rehearse(commit: Commit): Promise<Rehearsed> {
    return this.#writer.rehearse(commit);
  }

  async prune(nowMs: number): Promise<number> {
    return pruneDatabase(this.#database, nowMs);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    this.#database.close();
    await this.#orm.close(true);
  }
}
