/** What can be read of operations, and of the requests that were accepted. Types only. */
import type { OperationNoun } from "../../protocol/states.ts";
import type { RequestRecord } from "../records/commit.ts";
import type { OperationRecord } from "../records/instance.ts";
import type { OrderedQuery, Page } from "./pages.ts";

export interface OperationQuery extends OrderedQuery {
  /** Absent: of every project. */
  readonly project?: string;
  readonly noun?: OperationNoun | undefined;
  readonly entityIds?: readonly string[] | undefined;
  readonly states?: readonly string[] | undefined;
  readonly kinds?: readonly string[];
  readonly sinceMs?: number;
}

export interface OperationRow {
  readonly operation: OperationRecord;
  /** The present name of its instance; null: it is of another noun, or no row of the instance is left. */
  readonly instanceName: string | null;
}

export interface OperationReads {
  get(id: string): Promise<OperationRow | undefined>;
  list(query: OperationQuery): Promise<Page<OperationRow>>;
  /** The operations among `ids` that have ended, in any order. */
  ended(ids: readonly string[]): Promise<readonly OperationRecord[]>;
  /** What was answered when this request was accepted. */
  request(project: string, requestId: string): Promise<RequestRecord | undefined>;
}
