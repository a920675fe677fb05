-- How large a storage is that hosts share: as large as the largest of its hosts says; null while it has none.
-- Reads all hosts, and so is for the rare case: one says less, or is gone.
create or replace function novact_storage_size(concerned text) returns bigint
language plpgsql stable cost 100000 as $$
declare
  largest bigint;
begin
  select max(told.gib) into largest from host as h, novact_storages_told(h) as told
    where (h.storage_id = concerned or h.drivers->'volumeStorages' is not null) and told.id = concerned;
  return largest;
end
$$;
