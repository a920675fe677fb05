/**
 * Aggregates of hosts, groups of instances, quotas of projects. Made and changed by operators and users; what
 * a project uses is a sum that only commits change, under the same lock as its instances.
 */
import { defineEntity } from "@mikro-orm/core";
import type { AggregateRecord, ServerGroupRecord } from "../../actors/records/placement.ts";
import { count, flag, id, nested, notNegative, text, timeMs } from "./columns.ts";

export const AggregateEntity = defineEntity({
  name: "Aggregate",
  tableName: "aggregate",
  properties: {
    id: id().primary(),
    name: text(),
    availabilityZone: text().nullable(),
    metadata: nested<AggregateRecord["metadata"]>(),
    createdAtMs: timeMs(),
  },
  uniques: [{ name: "aggregate_name_unique", properties: ["name"] }],
});

export const AggregateHostEntity = defineEntity({
  name: "AggregateHost",
  tableName: "aggregate_host",
  properties: { aggregateId: id().primary(), hostId: id().primary() },
  indexes: [{ name: "aggregate_host_idx", properties: ["hostId", "aggregateId"] }],
});

/** Raised by triggers, with every change of the two above. */
export const AggregateChangeEntity = defineEntity({
  name: "AggregateChange",
  tableName: "aggregate_change",
  properties: { single: flag().primary(), number: count() },
  checks: [{ name: "aggregate_change_single_check", expression: "single" }],
});

export const ServerGroupEntity = defineEntity({
  name: "ServerGroup",
  tableName: "server_group",
  properties: {
    id: id().primary(),
    project: id(),
    name: text(),
    policy: text().$type<ServerGroupRecord["policy"]>(),
    maxPerHost: count().nullable(),
    createdAtMs: timeMs(),
  },
  checks: [{ name: "server_group_max_check", expression: "max_per_host >= 1" }],
  uniques: [{ name: "server_group_name_unique", properties: ["project", "name"] }],
  indexes: [{ name: "server_group_project_idx", properties: ["project", "id"] }],
});

/** A limit that is null is the default, which is the row of the project `*`; -1 is no limit. */
export const QuotaEntity = defineEntity({
  name: "Quota",
  tableName: "quota",
  properties: {
    project: id().primary(),
    instances: count().nullable(),
    vcpus: count().nullable(),
    memoryMib: count().nullable(),
    instancesUsed: count(),
    vcpusUsed: count(),
    memoryMibUsed: count(),
  },
  checks: [
    { name: "quota_limit_check", expression: "least(instances, vcpus, memory_mib) >= -1" },
    { name: "quota_used_check", expression: notNegative("instances_used", "vcpus_used", "memory_mib_used") },
  ],
});
