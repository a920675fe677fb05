-- A host is in one availability zone at most, after aggregates were changed or hosts joined or left them;
-- and no zone changes under an instance that has asked for it: its host stays in that zone, and so does one
-- that it is on its way to, and while it looks for a host the zone keeps one. `zones_before`: the zones of
-- the hosts whose aggregates were changed, by host.
create or replace function novact_zone(zones_before jsonb) returns boolean
language plpgsql as $$
declare
  twice text;
  held record;
begin
  select ah.host_id into twice
    from aggregate_host ah join aggregate a on a.id = ah.aggregate_id
    where a.availability_zone is not null
    group by ah.host_id having count(distinct a.availability_zone) > 1
    order by ah.host_id limit 1;
  if found then
    perform novact_refuse('zoneConflict', jsonb_build_object('hostId', twice));
  end if;

  with left_behind as (
    select was.host_id, was.zone
      from jsonb_each_text(zones_before) as was(host_id, zone)
      where novact_zone_of(was.host_id) <> was.zone
  ), empty as (
    select distinct l.zone
      from left_behind l
      where not exists (select from host h where novact_zone_of(h.id) = l.zone)
  ), wishing as (
    select l.zone, i.id
      from left_behind l join instance i on i.host_id = l.host_id
      where i.availability_zone = l.zone and i.deleted_at_ms is null and i.desired <> 'deleted'
    union
    select l.zone, i.id
      from left_behind l
          join claim c on c.host_id = l.host_id
          join instance i on i.id = c.instance_id and i.owner_epoch < c.owner_epoch
      where i.availability_zone = l.zone and i.deleted_at_ms is null and i.desired <> 'deleted'
    union
    select e.zone, i.id
      from empty e join instance i on i.availability_zone = e.zone
      where i.host_id is null and not i.settled and i.deleted_at_ms is null and i.desired <> 'deleted'
  )
  select w.zone, count(*) as instances, (array_agg(w.id order by w.id))[1:10] as ids into held
    from wishing w group by w.zone order by w.zone limit 1;
  if found then
    perform novact_refuse('zoneInUse', jsonb_build_object(
      'zone', held.zone, 'count', held.instances, 'instanceIds', to_jsonb(held.ids)
    ));
  end if;
  return true;
end
$$;
