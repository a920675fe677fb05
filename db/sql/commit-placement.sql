-- What operators and users make around instances: aggregates, server groups, quotas. In the order of the
-- fields of PlacementTurn.
create or replace function novact_commit_placement(turn jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'aggregatesRemoved' then
    delete from aggregate where id = any (array(select jsonb_array_elements_text(turn->'aggregatesRemoved')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'aggregatesRemoved') then
      perform novact_refuse_turn('missing');
    end if;
    if exists (
      select from aggregate_host
        where aggregate_id = any (array(select jsonb_array_elements_text(turn->'aggregatesRemoved')))
    ) then
      perform novact_refuse_turn('inUse');
    end if;
  end if;

  if turn ? 'aggregates' then
    insert into aggregate (id, name, availability_zone, metadata, created_at_ms)
      select r.id, r.name, r."availabilityZone", r.metadata, r."createdAtMs"
        from jsonb_to_recordset(turn->'aggregates') as r(
          id text, name text, "availabilityZone" text, metadata jsonb, "createdAtMs" bigint
        )
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'aggregates') then
      perform novact_refuse_turn('nameTaken');
    end if;
  end if;

  -- A zone that is not named stays; metadata that is null goes.
  if turn ? 'aggregatesChanged' then
    update aggregate t set
        availability_zone = case when r.change ? 'availabilityZone'
          then r.change->>'availabilityZone' else t.availability_zone end,
        metadata = jsonb_strip_nulls(t.metadata || coalesce(r.change->'metadata', '{}'))
      from jsonb_array_elements(turn->'aggregatesChanged') as r(change)
      where t.id = r.change->>'aggregateId';
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'aggregatesChanged') then
      perform novact_refuse_turn('missing');
    end if;
  end if;

  if turn ? 'aggregateHostsRemoved' then
    delete from aggregate_host t
      using jsonb_to_recordset(turn->'aggregateHostsRemoved') as r("aggregateId" text, "hostId" text)
      where t.aggregate_id = r."aggregateId" and t.host_id = r."hostId";
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'aggregateHostsRemoved') then
      perform novact_refuse_turn('missing');
    end if;
  end if;

  -- A host that is in the aggregate already stays there.
  if turn ? 'aggregateHosts' then
    if exists (
      select from jsonb_to_recordset(turn->'aggregateHosts') as r("aggregateId" text, "hostId" text)
        where not exists (select from aggregate a where a.id = r."aggregateId")
          or not exists (select from host h where h.id = r."hostId")
    ) then
      perform novact_refuse_turn('missing');
    end if;
    insert into aggregate_host (aggregate_id, host_id)
      select r."aggregateId", r."hostId"
        from jsonb_to_recordset(turn->'aggregateHosts') as r("aggregateId" text, "hostId" text)
      on conflict do nothing;
  end if;

  if turn ?| array['aggregateHosts', 'aggregatesChanged'] then
    perform novact_commit_zones();
  end if;

  if turn ? 'serverGroupsRemoved' then
    delete from server_group
      where id = any (array(select jsonb_array_elements_text(turn->'serverGroupsRemoved')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'serverGroupsRemoved') then
      perform novact_refuse_turn('missing');
    end if;
    if exists (
      select from instance
        where server_group_id = any (array(select jsonb_array_elements_text(turn->'serverGroupsRemoved')))
          and deleted_at_ms is null
    ) then
      perform novact_refuse_turn('inUse');
    end if;
  end if;

  if turn ? 'serverGroups' then
    insert into server_group (id, project, name, policy, max_per_host, created_at_ms)
      select r.id, r.project, r.name, r.policy, r."maxPerHost", r."createdAtMs"
        from jsonb_to_recordset(turn->'serverGroups') as r(
          id text, project text, name text, policy text, "maxPerHost" bigint, "createdAtMs" bigint
        )
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'serverGroups') then
      perform novact_refuse_turn('nameTaken');
    end if;
  end if;

  -- A limit that is not named stays, and so does what is used.
  if turn ? 'quotas' then
    insert into quota (project, instances_used, vcpus_used, memory_mib_used)
      select r.project, 0, 0, 0 from jsonb_to_recordset(turn->'quotas') as r(project text)
      on conflict do nothing;
    update quota t set
        instances = case when r.given ? 'instances' then (r.given->>'instances')::bigint else t.instances end,
        vcpus = case when r.given ? 'vcpus' then (r.given->>'vcpus')::bigint else t.vcpus end,
        memory_mib = case when r.given ? 'memoryMib'
          then (r.given->>'memoryMib')::bigint else t.memory_mib end
      from jsonb_array_elements(turn->'quotas') as r(given)
      where t.project = r.given->>'project';
  end if;
  return true;
end
$$;
