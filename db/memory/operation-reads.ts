/** Reads operations and accepted requests from memory. It changes nothing. */
import type { OperationQuery, OperationReads, OperationRow } from "../../actors/ports/operation-reads.ts";
import type { Page } from "../../actors/ports/pages.ts";
import type { RequestRecord } from "../../actors/records/commit.ts";
import type { OperationRecord } from "../../actors/records/instance.ts";
import { requestKey, type Tables } from "../rows/tables.ts";
import { pageOfOperations } from "./lists.ts";

export class MemoryOperationReads implements OperationReads {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  async get(id: string): Promise<OperationRow | undefined> {
    const operation = this.#tables.operations.get(id);
    return operation && this.#rowOf(operation);
  }

  async list(query: OperationQuery): Promise<Page<OperationRow>> {
    const { rows, ...rest } = pageOfOperations(this.#tables.operations, query);
    return { ...rest, rows: rows.map((operation) => this.#rowOf(operation)) };
  }

  async ended(ids: readonly string[]): Promise<readonly OperationRecord[]> {
    const found = ids.flatMap((id) => this.#tables.operations.get(id) ?? []);
    return found.filter(({ endedAtMs }) => endedAtMs !== null);
  }

  async request(project: string, requestId: string): Promise<RequestRecord | undefined> {
    return this.#tables.requests.get(requestKey(project, requestId));
  }

  #rowOf(operation: OperationRecord): OperationRow {
    const instance = this.#tables.instances.get(operation.entityId);
    return { operation, instanceName: instance?.name ?? null };
  }
}
