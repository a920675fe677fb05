-- What operators say of places: which hosts are in which aggregates, and quotas.
create or replace function novact_commit_placement(changes jsonb) returns boolean
language plpgsql as $$
declare
  lost text;
begin
  -- A host that is not in the aggregate is missing there.
  if changes ? 'aggregateHostsRemoved' then
    with gone as (
      delete from aggregate_host t
        using jsonb_to_recordset(changes->'aggregateHostsRemoved') as r("aggregateId" text, "hostId" text)
        where t.aggregate_id = r."aggregateId" and t.host_id = r."hostId"
        returning t.*
    )
    select r."hostId" into lost
      from rows from (
          jsonb_to_recordset(changes->'aggregateHostsRemoved') as ("aggregateId" text, "hostId" text)
        ) with ordinality as r
      where not exists (
        select from gone g where g.aggregate_id = r."aggregateId" and g.host_id = r."hostId"
      )
      order by r.ordinality limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', 'host', 'id', lost));
    end if;
  end if;

  -- A host that is in the aggregate already stays there. Both must exist: the table refers to them.
  if changes ? 'aggregateHosts' then
    insert into aggregate_host (aggregate_id, host_id)
      select r."aggregateId", r."hostId"
        from jsonb_to_recordset(changes->'aggregateHosts') as r("aggregateId" text, "hostId" text)
      on conflict do nothing;
  end if;

  -- A limit that is not named stays, and so does what is used.
  if changes ? 'quotas' then
    insert into quota (project, instances_used, vcpus_used, memory_mib_used)
      select r.project, 0, 0, 0 from jsonb_to_recordset(changes->'quotas') as r(project text)
      on conflict do nothing;
    update quota t set
        instances = case when r.given ? 'instances' then (r.given->>'instances')::bigint else t.instances end,
        vcpus = case when r.given ? 'vcpus' then (r.given->>'vcpus')::bigint else t.vcpus end,
        memory_mib = case when r.given ? 'memoryMib'
          then (r.given->>'memoryMib')::bigint else t.memory_mib end,
        limits = jsonb_strip_nulls(
          t.limits || (r.given - array['project', 'instances', 'vcpus', 'memoryMib'])
        )
      from jsonb_array_elements(changes->'quotas') as r(given)
      where t.project = r.given->>'project';
  end if;
  return true;
end
$$;
