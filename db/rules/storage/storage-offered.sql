-- How large a storage is that hosts share: as large as the largest of its hosts says, while it has any. What
-- is claimed stays claimed when a storage shrinks, or loses its last host.
create or replace function novact_storage_offered() returns trigger
language plpgsql as $$
declare
  concerned text;
  largest bigint;
begin
  foreach concerned in array array[
    case when tg_op <> 'DELETE' then new.storage_id end, case when tg_op <> 'INSERT' then old.storage_id end
  ] loop
    continue when concerned is null;
    select max(disk_gib) into largest from host where storage_id = concerned;
    if largest is null then
      delete from storage where id = concerned and disk_gib_claimed = 0;
    else
      insert into storage as t (id, disk_gib, disk_gib_claimed) values (concerned, largest, 0)
        on conflict (id) do update set disk_gib = excluded.disk_gib where t.disk_gib <> excluded.disk_gib;
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger host_offers_storage after insert on host for each row
  when (new.storage_id is not null)
  execute function novact_storage_offered();

create or replace trigger host_changes_storage after update on host for each row
  when (old.storage_id is distinct from new.storage_id
    or (new.storage_id is not null and old.disk_gib <> new.disk_gib))
  execute function novact_storage_offered();

create or replace trigger host_leaves_storage after delete on host for each row
  when (old.storage_id is not null)
  execute function novact_storage_offered();
