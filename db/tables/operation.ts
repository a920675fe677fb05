/** Operations, what became of a command, and requests, what was answered to one (I5). */
import { defineEntity } from "@mikro-orm/core";
import type { OperationRecord } from "../../actors/records/instance.ts";
import { count, id, nested, text, timeMs } from "./columns.ts";

export const OperationEntity = defineEntity({
  name: "Operation",
  tableName: "operation",
  properties: {
    id: id().primary(),
    /** From the sequence operation_number, when the operation is made (db/sql/commit-progress.sql). */
    number: count(),
    project: id(),
    noun: text().$type<OperationRecord["noun"]>().default("instance"),
    /**
     * Of an entity of any noun. The column has its name from when only instances had operations: a controller
     * of the version before reads and writes it.
     */
    entityId: id().fieldName("instance_id"),
    toHost: nested<OperationRecord["toHost"]>().nullable(),
    kind: text().$type<OperationRecord["kind"]>(),
    state: text().$type<OperationRecord["state"]>(),
    percent: count(),
    step: text(),
    steps: nested<OperationRecord["steps"]>(),
    requestId: text(),
    startedAtMs: timeMs(),
    deadlineAtMs: timeMs(),
    endedAtMs: timeMs().nullable(),
    error: nested<OperationRecord["error"]>().nullable(),
  },
  checks: [
    { name: "operation_ended_check", expression: "(state = 'running') = (ended_at_ms is null)" },
    { name: "operation_percent_check", expression: "percent >= 0 and percent <= 100" },
  ],
  uniques: [{ name: "operation_number_unique", properties: ["number"] }],
  indexes: [
    { name: "operation_project_idx", properties: ["project", "id"] },
    { name: "operation_instance_idx", properties: ["entityId", "id"] },
    {
      name: "operation_host_idx",
      properties: ["entityId"],
      where: "state = 'running' and noun = 'host'",
    },
    { name: "operation_running_idx", properties: ["id"], where: "state = 'running'" },
    { name: "operation_ended_idx", properties: ["endedAtMs"], where: "ended_at_ms is not null" },
  ],
});

export const RequestEntity = defineEntity({
  name: "Request",
  tableName: "request",
  properties: {
    project: id().primary(),
    requestId: id().primary(),
    contentHash: text(),
    /** Type json, not jsonb: the text of the answer is kept as it was given. */
    answer: nested<unknown>().columnType("json"),
    atMs: timeMs(),
  },
  indexes: [{ name: "request_at_idx", properties: ["atMs"], type: "brin" }],
});

/** The last batch of each writer process, so that a lost answer can be found again; see decision 0002. */
export const CommitWriterEntity = defineEntity({
  name: "CommitWriter",
  tableName: "commit_writer",
  properties: {
    id: id().primary(),
    batch: count(),
    /** Null when the batch was fenced off: it was not applied, and never will be. */
    results: nested<unknown>().nullable(),
    atMs: timeMs(),
  },
});
