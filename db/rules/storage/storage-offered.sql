-- How large a storage is that hosts share: as large as the largest of its hosts says, while it has any. What
-- is claimed stays claimed when a storage shrinks, or loses its last host. Only a word that is less than what
-- counts makes the words of all hosts be read.
create or replace function novact_storage_offered() returns trigger
language plpgsql as $$
declare
  part record;
  known bigint;
  largest bigint;
begin
  for part in
    select told.id, max(told.was) as was, max(told.gib) as gib from (
      select before.id, before.gib as was, null::bigint as gib
        from novact_storages_told(old) as before where tg_op <> 'INSERT'
      union all
      select after.id, null::bigint, after.gib
        from novact_storages_told(new) as after where tg_op <> 'DELETE'
    ) as told group by told.id order by told.id
  loop
    continue when part.was = part.gib;
    select disk_gib into known from storage where id = part.id;
    largest := part.gib;
    if largest is null or largest < known then
      largest := novact_storage_size(part.id);
    end if;
    if largest is null then
      delete from storage where id = part.id and disk_gib_claimed = 0;
    else
      insert into storage as t (id, disk_gib, disk_gib_claimed) values (part.id, largest, 0)
        on conflict (id) do update set disk_gib = excluded.disk_gib where t.disk_gib <> excluded.disk_gib;
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger host_offers_storage after insert on host for each row
  when (new.storage_id is not null or new.drivers->'volumeStorages' is not null)
  execute function novact_storage_offered();

create or replace trigger host_changes_storage after update on host for each row
  when (old.storage_id is distinct from new.storage_id
    or (new.storage_id is not null and old.disk_gib <> new.disk_gib)
    or old.drivers is distinct from new.drivers)
  execute function novact_storage_offered();

create or replace trigger host_leaves_storage after delete on host for each row
  when (old.storage_id is not null or old.drivers->'volumeStorages' is not null)
  execute function novact_storage_offered();
