-- A host is in one availability zone at most: after aggregates were changed or hosts joined them.
create or replace function novact_zone() returns boolean
language plpgsql as $$
declare
  twice text;
begin
  select ah.host_id into twice
    from aggregate_host ah join aggregate a on a.id = ah.aggregate_id
    where a.availability_zone is not null
    group by ah.host_id having count(distinct a.availability_zone) > 1
    order by ah.host_id limit 1;
  if found then
    perform novact_refuse('zoneConflict', jsonb_build_object('hostId', twice));
  end if;
  return true;
end
$$;
