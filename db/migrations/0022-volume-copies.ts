/**
 * Copies of volumes that are to be made. Not breaking: a controller of before leaves them to others, and
 * gives neither of the two volumes to an instance, since each has a holder.
 */
export const statements = [
  `create table volume_copy (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    source_id text collate "C" not null,
    source_epoch bigint not null,
    epoch bigint not null,
    size_gib bigint not null,
    storage_id text collate "C",
    host_id text collate "C",
    created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id)
  )`,
  "create index volume_copy_name_idx on volume_copy (project, name)",
  "insert into novact_resource (name, noun) values ('volume_copy', 'volume-copy')",
];
