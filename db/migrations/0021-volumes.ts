/**
 * Volumes, what is left of deleted ones, and the volumes of instances. Breaking: a controller of the version
 * before would move an instance to another host without raising the epochs of its volumes.
 */
export const breaking = true;

export const statements = [
  `create table volume (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    description text collate "C",
    size_gib bigint not null,
    source jsonb,
    image_id text collate "C",
    made boolean not null,
    storage_id text collate "C",
    host_id text collate "C",
    epoch bigint not null,
    instance_id text collate "C",
    created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id),
    constraint volume_size_check check (size_gib >= 1 and epoch >= 0),
    constraint volume_place_check check (storage_id is null or host_id is null),
    constraint volume_image_id_reference foreign key (image_id) references image (id)
  )`,
  "create index volume_name_idx on volume (project, name)",
  "create index volume_image_id_idx on volume (image_id, id)",
  "create index volume_instance_id_idx on volume (instance_id, id)",
  "create index volume_host_id_idx on volume (host_id, id)",
  "create index volume_storage_id_idx on volume (storage_id, id)",
  `create table deleted_volume (
    id text collate "C" not null,
    project text collate "C" not null,
    name text collate "C" not null,
    size_gib bigint not null,
    storage_id text collate "C",
    host_id text collate "C",
    epoch bigint not null,
    created_at_ms bigint not null,
    version bigint not null default '1',
    primary key (id)
  )`,
  "create index deleted_volume_name_idx on deleted_volume (project, name)",
  "create index deleted_volume_host_id_idx on deleted_volume (host_id, id)",
  "create index deleted_volume_storage_id_idx on deleted_volume (storage_id, id)",
  "insert into novact_resource (name, noun) values ('volume', 'volume'), ('deleted_volume', 'deleted-volume')",
  "alter table instance add column volumes jsonb",
];
