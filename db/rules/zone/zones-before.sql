-- The zones of the hosts whose aggregates the commit changes, by host: asked before it changes them.
create or replace function novact_zones_before(changes jsonb) returns jsonb
language plpgsql as $$
begin
  return (
    select coalesce(jsonb_object_agg(touched.id, novact_zone_of(touched.id)), '{}')
      from (
        select r."hostId" as id
          from jsonb_to_recordset(
            coalesce(changes->'aggregateHosts', '[]') || coalesce(changes->'aggregateHostsRemoved', '[]')
          ) as r("hostId" text)
        union
        select ah.host_id
          from jsonb_array_elements(changes->'rowsChanged') as r(one)
            join aggregate_host ah on ah.aggregate_id = r.one->'row'->>'id'
          where r.one->>'table' = 'aggregate'
      ) as touched
  );
end
$$;
