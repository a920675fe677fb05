-- Who asks for a zone claims on hosts of it alone: the scheduler may have seen a host in another zone than it
-- is in by now.
create or replace function novact_zoned_claims(changes jsonb) returns boolean
language plpgsql as $$
declare
  elsewhere text;
begin
  select r."hostId" into elsewhere
    from rows from (
        jsonb_to_recordset(changes->'zoned') as ("hostId" text, zone text)
      ) with ordinality as r
    where novact_zone_of(r."hostId") <> r.zone
    order by r.ordinality limit 1;
  if found then
    perform novact_refuse('hostFull', jsonb_build_object('hostId', elsewhere));
  end if;
  return true;
end
$$;
