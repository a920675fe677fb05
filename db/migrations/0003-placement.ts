/**
 * What surrounds the choice of a host: what hosts say about themselves, aggregates, server groups and quotas.
 *
 * The rule of a group and the quota of a project are checked in the transaction of the claim, like the host's
 * capacity (I3). All commits happen one after the other (0002), so that a plain select is a sound check. What
 * a project uses is a sum that is kept, not counted anew: a create costs the same with 10 instances and with
 * 100,000. Turns that have nothing to do with any of it are not looked at twice.
 */
import { Migration } from "@mikro-orm/migrations";
import { catalog, hosts, instances, turn } from "./0003-functions.ts";
import { builds, groups, placement, use } from "./0003-rules.ts";

const withDefault = (table: string, columns: readonly (readonly [definition: string, value: string])[]) => [
  `alter table ${table} ${columns
    .map(([definition, value]) => `add column ${definition} not null default ${value}`)
    .join(", ")}`,
  // Only the rows that are there need it: what is written from now on says what it means.
  `alter table ${table} ${columns
    .map(([definition]) => `alter column ${definition.split(" ")[0]} drop default`)
    .join(", ")}`,
];

const columns = [
  ...withDefault("host", [
    ["labels jsonb", "'{}'"],
    ["features jsonb", "'[]'"],
    ["machine_types jsonb", "'[]'"],
    ["numa jsonb", "'[]'"],
    ["failed_builds bigint", "0"],
    ["generation bigint", "1"],
  ]),
  `alter table host add column storage_id text collate "C",
    add constraint host_count_check check (least(failed_builds, generation) >= 0)`,
  ...withDefault("flavor", [["extra_specs jsonb", "'{}'"]]),
  `alter table instance add column server_group_id text collate "C",
    add column availability_zone text collate "C", add column hints jsonb`,
  `create index instance_group_idx on instance (server_group_id, id)
    where server_group_id is not null and deleted_at_ms is null`,
];

const tables = [
  `create table aggregate (
    id text collate "C" not null,
    name text collate "C" not null,
    availability_zone text collate "C",
    metadata jsonb not null,
    created_at_ms bigint not null,
    primary key (id),
    constraint aggregate_name_unique unique (name)
  )`,
  `create table aggregate_host (
    aggregate_id text collate "C" not null,
    host_id text collate "C" not null,
    primary key (aggregate_id, host_id)
  )`,
  `create index aggregate_host_idx on aggregate_host (host_id, aggregate_id)`,
  `create table server_group (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    policy text collate "C" not null,
    max_per_host bigint,
    created_at_ms bigint not null,
    primary key (id),
    constraint server_group_name_unique unique (project, name),
    constraint server_group_policy_check check (
      policy in ('affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity')
    ),
    constraint server_group_max_check check (max_per_host >= 1)
  )`,
  `create index server_group_project_idx on server_group (project, id)`,
  `create table quota (
    project text collate "C" not null,
    instances bigint,
    vcpus bigint,
    memory_mib bigint,
    instances_used bigint not null,
    vcpus_used bigint not null,
    memory_mib_used bigint not null,
    primary key (project),
    constraint quota_limit_check check (least(instances, vcpus, memory_mib) >= -1),
    constraint quota_used_check check (least(instances_used, vcpus_used, memory_mib_used) >= 0)
  ) with (fillfactor = 50)`,
  `insert into quota (project, instances_used, vcpus_used, memory_mib_used)
    select project, count(*), sum((flavor->>'vcpus')::bigint), sum((flavor->>'memoryMib')::bigint)
      from instance where deleted_at_ms is null group by project`,
];

export class Migration0003Placement extends Migration {
  override up(): void {
    for (const sql of [...columns, ...tables]) this.addSql(sql);
    for (const sql of [instances, catalog, hosts, builds, placement, use, groups, turn]) this.addSql(sql);
  }
}
