/**
 * Which hosts are in which aggregates, and quotas of projects. What a project uses is a sum that only commits
 * change, under the same lock as its instances.
 */
import { defineEntity } from "@mikro-orm/core";
import { count, flag, id, nested, notNegative } from "./columns.ts";

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
    /** Of resources, by the field that holds many of them; what is not in it is not set. */
    limits: nested<Readonly<Record<string, number>>>().default("{}"),
  },
  checks: [
    { name: "quota_limit_check", expression: "least(instances, vcpus, memory_mib) >= -1" },
    { name: "quota_used_check", expression: notNegative("instances_used", "vcpus_used", "memory_mib_used") },
  ],
});
