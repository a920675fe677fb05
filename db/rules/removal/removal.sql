-- Hosts that are forgotten, with their places in aggregates, their claims and machines. What was parked goes
-- only when nothing of it can run there any more: a fence by the host's silence, or by its storage, stops
-- only guests that were claimed under a lease and whose disks other hosts can open; where the power is off,
-- or an operator says so, nothing runs at all. The lease stays, for a host that comes back: its epochs must
-- not begin anew.
create or replace function novact_removal(changes jsonb) returns boolean
language plpgsql as $$
declare
  removed text[] := array(select jsonb_array_elements(changes->'hostsRemoved')->>'hostId');
  done boolean;
begin
  done := novact_need_hosts(changes->'hostsRemoved');

  if exists (select from instance where host_id = any (removed) and deleted_at_ms is null)
    -- A volume of an instance that is deleted already goes as its claim does, below.
    or exists (
      select from volume v left join instance i on i.id = v.instance_id
        where v.host_id = any (removed) and i.deleted_at_ms is null
    )
    or exists (
      select from jsonb_to_recordset(changes->'hostsRemoved') as r("hostId" text, parked boolean)
          join claim c on c.host_id = r."hostId"
        where not r.parked
    )
    or exists (
      select from claim c
          join instance i on i.id = c.instance_id
          left join host_lease l on l.host_id = c.host_id
        where c.host_id = any (removed)
          -- The addresses and the volumes of one that is deleted are still those of its guest.
          and (
            i.deleted_at_ms is null
            or coalesce(i.interfaces, '[]') <> '[]' or coalesce(i.volumes, '[]') <> '[]'
          )
          and coalesce(l.fenced_by->>'kind', '') not in ('power', 'operator')
          and (c.lease_epoch = 0 or not (
            i.storage_id is not null
            -- It has no disk at all.
            or (coalesce(i.image->'disk', 'null') = 'null' and (i.flavor->>'diskGib')::bigint = 0)
          ))
    )
  then
    perform novact_refuse('inUse');
  end if;

  if exists (
    select from operation o
      where o.instance_id = any (removed) and o.state = 'running' and o.noun = 'host'
        and not exists (
          select from jsonb_to_recordset(changes->'operations') as r(id text, state text)
            where r.id = o.id and r.state <> 'running'
        )
  ) then
    perform novact_refuse('conflict');
  end if;

  delete from claim where host_id = any (removed);
  delete from host_numa_node where host_id = any (removed);
  delete from machine where host_id = any (removed);
  delete from aggregate_host where host_id = any (removed);
  delete from host_seen where host_id = any (removed);
  delete from deleted_volume where host_id = any (removed);
  delete from host where id = any (removed);
  return true;
end
$$;
