-- The availability zone of a host: the one that an aggregate of it names, else the one that protocol/kinds.ts
-- calls the default.
create or replace function novact_zone_of(host text) returns text
language sql stable as $$
  select coalesce(
    (
      select min(a.availability_zone)
        from aggregate_host ah join aggregate a on a.id = ah.aggregate_id
        where ah.host_id = host
    ),
    'nova'
  )
$$;
