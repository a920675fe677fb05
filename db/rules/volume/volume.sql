-- The room that volumes take of storages, and of hosts' own disks: from the commit that says where one is
-- until nothing of it is left. A trigger's work on the rows of volumes and of what is left of deleted ones,
-- which are refused nothing: they had their room before.
create or replace function novact_volume() returns trigger
language plpgsql as $$
declare
  judged boolean := tg_table_name = 'volume';
  part record;
  was_on text;
  was_at text;
  was_gib bigint;
  is_on text;
  is_at text;
  is_gib bigint;
begin
  if tg_op <> 'INSERT' then
    was_on := old.storage_id;
    was_at := old.host_id;
    was_gib := old.size_gib;
  end if;
  if tg_op <> 'DELETE' then
    is_on := new.storage_id;
    is_at := new.host_id;
    is_gib := new.size_gib;
  end if;

  for part in
    select one.id, sum(one.gib)::bigint as more
      from (values (was_on, -was_gib), (is_on, is_gib)) as one(id, gib)
      where one.id is not null group by one.id order by sum(one.gib)
  loop
    if judged and part.more > 0 then
      update storage set disk_gib_claimed = disk_gib_claimed + part.more
        where id = part.id and disk_gib_claimed + part.more <= disk_gib;
      if not found then
        perform novact_refuse('hostFull', jsonb_build_object('hostId', coalesce(new.host_id, '')));
      end if;
    else
      update storage set disk_gib_claimed = disk_gib_claimed + part.more where id = part.id;
      if not found then
        -- Another one may make the row in this moment.
        insert into storage as t (id, disk_gib, disk_gib_claimed)
          values (part.id, coalesce(novact_storage_size(part.id), 0), greatest(part.more, 0))
          on conflict (id) do update set disk_gib_claimed = t.disk_gib_claimed + part.more;
      end if;
      delete from storage where id = part.id and disk_gib_claimed = 0 and novact_storage_size(id) is null;
    end if;
  end loop;

  for part in
    select one.id, sum(one.gib)::bigint as more
      from (values (was_at, -was_gib), (is_at, is_gib)) as one(id, gib)
      where one.id is not null group by one.id order by sum(one.gib)
  loop
    update host set disk_gib_claimed = disk_gib_claimed + part.more
      where id = part.id and (not judged or part.more <= 0 or disk_gib_claimed + part.more <= disk_gib);
    if not found and judged and part.more > 0 then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', part.id));
    end if;
  end loop;
  return null;
end
$$;

create or replace trigger volume_takes_room after insert on volume for each row
  when (new.storage_id is not null or new.host_id is not null)
  execute function novact_volume();

create or replace trigger volume_changes_room after update on volume for each row
  when (old.storage_id is distinct from new.storage_id or old.host_id is distinct from new.host_id
    or (old.size_gib <> new.size_gib and (new.storage_id is not null or new.host_id is not null)))
  execute function novact_volume();

create or replace trigger volume_gives_room after delete on volume for each row
  when (old.storage_id is not null or old.host_id is not null)
  execute function novact_volume();

create or replace trigger deleted_volume_takes_room after insert on deleted_volume for each row
  execute function novact_volume();

create or replace trigger deleted_volume_gives_room after delete on deleted_volume for each row
  execute function novact_volume();
