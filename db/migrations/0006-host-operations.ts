/**
 * Operations of hosts beside those of instances, and the version by which two actors of one host know of each
 * other. Columns are only added, and with a default, so that a controller of the version before goes on.
 */
export const statements = [
  `alter table operation
    add column noun text collate "C" not null default 'instance',
    add column to_host jsonb`,
  `create index operation_host_idx on operation (instance_id)
    where state = 'running' and noun = 'host'`,
  "alter table host add column version bigint not null default '0'",
  "update host set version = registered_at_ms",
  "create index host_draining_idx on host (id) where draining is not null",
];
