/**
 * Room on storages that hosts share is counted once, by the storage, and on no host. Breaking: a controller
 * of the version before would count the disks of its new instances on their hosts.
 */
const shared = `select i.id, i.storage_id, (i.flavor->>'diskGib')::bigint as disk_gib
    from instance i where i.storage_id is not null`;

export const statements = [
  `create table storage (
    id text collate "C" not null,
    disk_gib bigint not null,
    disk_gib_claimed bigint not null,
    constraint storage_pkey primary key (id),
    constraint storage_claimed_check check (disk_gib_claimed >= 0)
  ) with (fillfactor = 50)`,
  "create index host_storage_idx on host (storage_id, disk_gib) where storage_id is not null",
  `insert into storage (id, disk_gib, disk_gib_claimed)
    select coalesce(h.storage_id, s.storage_id), coalesce(h.disk_gib, 0), coalesce(s.claimed, 0)
      from (select storage_id, max(disk_gib) as disk_gib from host
          where storage_id is not null group by storage_id) h
        full join (select storage_id, sum(disk_gib)::bigint as claimed from (${shared}) i group by storage_id) s
          on s.storage_id = h.storage_id`,
  `update host h set disk_gib_claimed = h.disk_gib_claimed - s.claimed
    from (
      select c.host_id, sum(c.disk_gib)::bigint as claimed
        from claim c join (${shared}) i on i.id = c.instance_id group by c.host_id
    ) s where s.host_id = h.id`,
  `update claim c set disk_gib = 0 from (${shared}) i where i.id = c.instance_id and c.disk_gib > 0`,
];

export const breaking = true;
