/**
 * References, so that a row that another one needs cannot go, whoever removes it and when; and no more CHECKs
 * on lists of words, which are typed above and would need a migration for each new word.
 *
 * Claims, machines and operations do not refer to their instances: no commit touches them without the row of
 * the instance (db/rules/commit-rules.ts), and looking for it once more would cost a create a quarter more.
 *
 * An instance that is not deleted holds its image and its server group; a tombstone holds neither. Its flavor
 * is copied into it and may go: only the commit that makes an instance needs it.
 */

/** An image that was removed while an instance of it was being made: it is there again, under its id. */
const lostImages = `insert into image (id, name, disk, kernel, ramdisk, command_line, properties, created_at_ms)
  select distinct on (i.image->>'id') i.image->>'id', i.image->>'id', nullif(i.image->'disk', 'null'),
      nullif(i.image->'kernel', 'null'), nullif(i.image->'ramdisk', 'null'),
      coalesce(i.image->>'commandLine', ''), coalesce(i.image->'properties', '{}'), i.created_at_ms
    from instance i
    where i.deleted_at_ms is null and not exists (select from image m where m.id = i.image->>'id')
    order by i.image->>'id', i.created_at_ms`;

const heldByInstances = [
  `alter table instance
    add column live_image_id text collate "C" generated always as (
      case when deleted_at_ms is null then image->>'id' end
    ) stored,
    add column live_server_group_id text collate "C" generated always as (
      case when deleted_at_ms is null then server_group_id end
    ) stored,
    add constraint instance_image_reference foreign key (live_image_id) references image,
    add constraint instance_server_group_reference foreign key (live_server_group_id) references server_group`,
  "drop index instance_image_idx, instance_group_idx, instance_group_host_idx",
  "create index instance_image_idx on instance (live_image_id) where live_image_id is not null",
  `create index instance_group_idx on instance (live_server_group_id, id)
    where live_server_group_id is not null`,
  `create index instance_group_host_idx on instance (live_server_group_id, host_id, id)
    where live_server_group_id is not null`,
];

const others = [
  `alter table aggregate_host
    add constraint aggregate_host_aggregate_reference foreign key (aggregate_id) references aggregate,
    add constraint aggregate_host_host_reference foreign key (host_id) references host`,
  "alter table host_cell add constraint host_cell_host_reference foreign key (host_id) references host",
  "alter table host_seen add constraint host_seen_host_reference foreign key (host_id) references host",
  `alter table claim
    add constraint claim_host_reference foreign key (host_id) references host`,
];

const lists = [
  ["host", "host_architecture_check"],
  ["instance", "instance_desired_check"],
  ["instance", "instance_reset_mode_check"],
  ["instance", "instance_state_check"],
  ["machine", "machine_reason_check"],
  ["machine", "machine_state_check"],
  ["operation", "operation_kind_check"],
  ["operation", "operation_state_check"],
  ["server_group", "server_group_policy_check"],
].map(([table, name]) => `alter table ${table} drop constraint ${name}`);

export const statements = [lostImages, ...heldByInstances, ...others, ...lists];
