/** Reads operations and accepted requests from PostgreSQL. It changes nothing. */
import type { EntityManager } from "@mikro-orm/postgresql";
import type { OperationQuery, OperationReads, OperationRow } from "../../actors/ports/operation-reads.ts";
import type { Page } from "../../actors/ports/pages.ts";
import type { RequestRecord } from "../../actors/records/commit.ts";
import type { OperationRecord } from "../../actors/records/instance.ts";
import { operationWalk, pageOf } from "../rows/list-page.ts";
import { OperationEntity, RequestEntity } from "../tables/operation.ts";
import type { Database, Row } from "./database.ts";
import { metIn, operationStatement, operationsStatement } from "./list-statements.ts";
import { readAll, type Selection, selectionOf } from "./select.ts";

export class PostgresOperationReads implements OperationReads {
  readonly #database: Database;
  readonly #operation: Selection<OperationRecord>;
  readonly #request: Selection<RequestRecord>;

  constructor(em: EntityManager, database: Database) {
    this.#database = database;
    this.#operation = selectionOf(em, OperationEntity, "o");
    this.#request = selectionOf(em, RequestEntity, "r");
  }

  async get(id: string): Promise<OperationRow | undefined> {
    const statement = operationStatement({ o: this.#operation.columns }, id);
    return this.#rowsOf(await this.#database.read(statement, "read an operation"))[0];
  }

  async list(query: OperationQuery): Promise<Page<OperationRow>> {
    const statement = operationsStatement({ o: this.#operation.columns }, query);
    const rows = await this.#database.read(statement, "list operations");
    const walk = operationWalk(query);
    const met = metIn(rows, walk, ([id]) => String(id));
    return pageOf(this.#rowsOf(rows), ({ operation }) => operation.id, { query, walk, met });
  }

  async ended(ids: readonly string[]): Promise<readonly OperationRecord[]> {
    const text = `select ${this.#operation.columns} from operation o
      where id = any($1) and ended_at_ms is not null`;
    const statement = { name: "ended_operations", text, values: [ids] };
    return readAll(this.#operation, await this.#database.read(statement, "look for ended operations"));
  }

  async request(project: string, requestId: string): Promise<RequestRecord | undefined> {
    const text = `select ${this.#request.columns} from request r where project = $1 and request_id = $2`;
    const values = [project, requestId];
    const rows = await this.#database.read({ name: "request", text, values }, "read a request");
    return readAll(this.#request, rows)[0];
  }

  #rowsOf(rows: readonly Row[]): OperationRow[] {
    return rows.flatMap((row) => {
      const operation = this.#operation.read(row);
      const name = row[this.#operation.width];
      return operation === undefined
        ? []
        : [{ operation, instanceName: typeof name === "string" ? name : null }];
    });
  }
}
