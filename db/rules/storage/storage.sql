-- The room that the disk of an instance takes of a storage that hosts share: from the commit that places it
-- there until nothing of it is left. A trigger's work, on the few changes that take or give back any.
-- Whatever host has the instance, it is one disk: a move and a recovery take nothing. A storage that has no
-- host any more goes with its last disk.
create or replace function novact_storage() returns trigger
language plpgsql as $$
declare
  wanted bigint;
begin
  if tg_op <> 'INSERT' and old.storage_id is not null then
    update storage set disk_gib_claimed = disk_gib_claimed - (old.flavor->>'diskGib')::bigint
      where id = old.storage_id;
    delete from storage where id = old.storage_id and disk_gib_claimed = 0
      and novact_storage_size(id) is null;
  end if;
  if tg_op <> 'DELETE' and new.storage_id is not null then
    wanted := (new.flavor->>'diskGib')::bigint;
    update storage set disk_gib_claimed = disk_gib_claimed + wanted
      where id = new.storage_id and (wanted = 0 or disk_gib_claimed + wanted <= disk_gib);
    if not found and wanted > 0 then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', coalesce(new.host_id, '')));
    end if;
  end if;
  return null;
end
$$;

create or replace trigger instance_takes_storage after insert on instance for each row
  when (new.storage_id is not null)
  execute function novact_storage();

create or replace trigger instance_changes_storage after update on instance for each row
  when (old.storage_id is distinct from new.storage_id)
  execute function novact_storage();

create or replace trigger instance_gives_storage after delete on instance for each row
  when (old.storage_id is not null)
  execute function novact_storage();
