-- Hosts that are forgotten, with their places in aggregates, their claims and machines. What was parked goes
-- only when nothing of it can run there any more: a fence by the host's silence, or by its storage, stops
-- only guests that were claimed under a lease and whose disks other hosts can open; where the power is off,
-- or an operator says so, nothing runs at all. The lease stays, for a host that comes back: its epochs must
-- not begin anew.
create or replace function novact_commit_removals(turn jsonb) returns boolean
language plpgsql as $$
begin
  if exists (select from jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) where not exists (select from host h where h.id = r."hostId")) then
    raise exception using errcode = 'NV001', message = '{"kind":"missing"}';
  end if;
  if exists (select from jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) join instance i on i.host_id = r."hostId" where i.deleted_at_ms is null)
    or exists (select from jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
        parked boolean) join claim c on c.host_id = r."hostId" where not r.parked)
    or exists (
      select from jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text)
          join claim c on c.host_id = r."hostId" join instance i on i.id = c.instance_id
          left join host_lease l on l.host_id = r."hostId"
        where i.deleted_at_ms is null and coalesce(l.fenced_by->>'kind', '') not in ('power', 'operator')
          and (c.lease_epoch = 0 or not (i.storage_id is not null
  or (coalesce(i.image->'disk', 'null') = 'null' and (i.flavor->>'diskGib')::bigint = 0)))
    ) then
    raise exception using errcode = 'NV001', message = '{"kind":"inUse"}';
  end if;
  delete from claim t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) where t.host_id = r."hostId";
  delete from host_cell t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text)
    where t.host_id = r."hostId";
  delete from machine t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) where t.host_id = r."hostId";
  delete from aggregate_host t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) where t.host_id = r."hostId";
  delete from host_seen t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) where t.host_id = r."hostId";
  delete from host t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text,
      parked boolean) where t.id = r."hostId";
  return true;
end
$$;
