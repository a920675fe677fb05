/** Events, numbered without gaps in the order of their commits (I10), and the one row that numbers them. */
import { defineEntity } from "@mikro-orm/core";
import type { Event } from "../../protocol/event.ts";
import { count, flag, id, nested, text, timeMs } from "./columns.ts";

export const EventEntity = defineEntity({
  name: "Event",
  tableName: "event",
  properties: {
    sequence: count().primary(),
    atMs: timeMs(),
    project: id(),
    noun: text(),
    /** Of the noun. */
    id: id(),
    event: text(),
    requestId: text().nullable(),
    operationId: id().nullable(),
    body: nested<Event["body"]>(),
  },
  indexes: [
    { name: "event_project_idx", properties: ["project", "sequence"] },
    { name: "event_id_idx", properties: ["id", "sequence"] },
  ],
});

/** Every commit locks this row first: that puts commits, and so events, in one order. */
export const EventHeadEntity = defineEntity({
  name: "EventHead",
  tableName: "event_head",
  properties: {
    /** Always true, and the primary key: the table has one row. */
    single: flag().primary(),
    lastSequence: count(),
    /** Events up to here were removed. */
    trimmed: count(),
  },
  checks: [
    { name: "event_head_single_check", expression: "single" },
    {
      name: "event_head_order_check",
      expression: "trimmed >= 0 and trimmed <= last_sequence",
    },
  ],
});
