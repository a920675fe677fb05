-- What operators and users make around instances: aggregates, server groups, quotas. In the order of the
-- fields of PlacementTurn.
create or replace function novact_commit_placement(changes jsonb) returns boolean
language plpgsql as $$
declare
  lost text;
  crowded record;
  done boolean;
begin
  if changes ? 'aggregatesRemoved' then
    done := novact_remove_named('aggregate', 'aggregate', changes->'aggregatesRemoved');
  end if;
  if changes ? 'aggregates' then
    insert into aggregate (id, name, availability_zone, metadata, created_at_ms)
      select r.id, r.name, r."availabilityZone", r.metadata, r."createdAtMs"
        from jsonb_to_recordset(changes->'aggregates') as r(
          id text, name text, "availabilityZone" text, metadata jsonb, "createdAtMs" bigint
        );
  end if;

  -- A zone that is not named stays; metadata that is null goes.
  if changes ? 'aggregatesChanged' then
    select r.change->>'aggregateId' into lost
      from jsonb_array_elements(changes->'aggregatesChanged') with ordinality as r(change)
      where not exists (select from aggregate a where a.id = r.change->>'aggregateId')
      order by r.ordinality limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', 'aggregate', 'id', lost));
    end if;
    update aggregate t set
        availability_zone = case when r.change ? 'availabilityZone'
          then r.change->>'availabilityZone' else t.availability_zone end,
        metadata = jsonb_strip_nulls(t.metadata || coalesce(r.change->'metadata', '{}'))
      from jsonb_array_elements(changes->'aggregatesChanged') as r(change)
      where t.id = r.change->>'aggregateId';
  end if;

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

  if changes ?| array['aggregateHosts', 'aggregatesChanged'] then
    done := novact_zone();
  end if;

  if changes ? 'serverGroupsRemoved' then
    done := novact_remove_named('server_group', 'server-group', changes->'serverGroupsRemoved');
  end if;
  if changes ? 'serverGroups' then
    insert into server_group (id, project, name, policy, max_per_host, created_at_ms)
      select r.id, r.project, r.name, r.policy, r."maxPerHost", r."createdAtMs"
        from jsonb_to_recordset(changes->'serverGroups') as r(
          id text, project text, name text, policy text, "maxPerHost" bigint, "createdAtMs" bigint
        );
  end if;

  -- All commits of a cell happen one after the other, so that a count of rows is a limit.
  if changes ? 'serverGroupsCounted' then
    select r.project, r.most into crowded
      from rows from (
        jsonb_to_recordset(changes->'serverGroupsCounted') as (project text, most bigint)
      ) with ordinality as r
      where r.most < (select count(*) from server_group g where g.project = r.project)
      order by r.ordinality limit 1;
    if found then
      perform novact_refuse('groupsFull',
        jsonb_build_object('project', crowded.project, 'most', crowded.most));
    end if;
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
          then (r.given->>'memoryMib')::bigint else t.memory_mib end
      from jsonb_array_elements(changes->'quotas') as r(given)
      where t.project = r.given->>'project';
  end if;
  return true;
end
$$;
