-- The storages that a host shares with others, by its row, and how large it says that each is: that of its
-- disks, and those that it has for volumes alone.
create or replace function novact_storages_told(told host) returns table (id text, gib bigint)
language sql stable as $$
  select told.storage_id, told.disk_gib where told.storage_id is not null
  union all
  select one->>'id', (one->>'sizeGib')::bigint
    from jsonb_array_elements(coalesce(nullif(told.drivers, 'null')->'volumeStorages', '[]')) as one
    where one->>'id' is distinct from told.storage_id
$$;
