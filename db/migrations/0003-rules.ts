/**
 * The functions of migration 0003 that are new: aggregates, groups and quotas, and the rules that hold in the
 * transaction of a claim. A part of that migration: released, it is never edited.
 */
import { record, refuse, shape } from "./shapes.ts";

const aggregate = record(
  shape("id text, name text, availabilityZone text, metadata jsonb, createdAtMs bigint"),
);
const serverGroup = record(
  shape("id text, project text, name text, policy text, maxPerHost bigint, createdAtMs bigint"),
);

const ids = (name: string) => `any (array(select jsonb_array_elements_text(turn->'${name}')))`;

/** Refuses unless the statement before it changed as many rows as the list has. */
const allOr = (name: string, kind: string) => `
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'${name}') then
      ${refuse(`'{"kind":"${kind}"}'`)};
    end if;`;

const insertAll = (name: string, table: string, parts: ReturnType<typeof record>) => `
  if turn ? '${name}' then
    insert into ${table} (${parts.columns})
      select ${parts.values} from jsonb_to_recordset(turn->'${name}') as r(${parts.definition})
      on conflict do nothing;${allOr(name, "nameTaken")}
  end if;`;

/** After a removal, whoever still uses what was removed is found by its key. */
const removeUnused = (name: string, table: string, users: string) => `
  if turn ? '${name}' then
    delete from ${table} where id = ${ids(name)};${allOr(name, "missing")}
    if exists (select from ${users}) then
      ${refuse(`'{"kind":"inUse"}'`)};
    end if;
  end if;`;

const key = `"aggregateId" text, "hostId" text`;

/** What operators and users make around instances; in the order of the fields in PlacementTurn. */
export const placement = `create function novact_commit_placement(turn jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
  twice text;
begin
  ${removeUnused("aggregatesRemoved", "aggregate", `aggregate_host where aggregate_id = ${ids("aggregatesRemoved")}`)}
  ${insertAll("aggregates", "aggregate", aggregate)}
  if turn ? 'aggregatesChanged' then
    update aggregate t set
        availability_zone = case when r.one ? 'availabilityZone' then r.one->>'availabilityZone' else t.availability_zone end,
        metadata = jsonb_strip_nulls(t.metadata || coalesce(r.one->'metadata', '{}'))
      from jsonb_array_elements(turn->'aggregatesChanged') as r(one) where t.id = r.one->>'aggregateId';
    ${allOr("aggregatesChanged", "missing")}
  end if;
  if turn ? 'aggregateHostsRemoved' then
    delete from aggregate_host t using jsonb_to_recordset(turn->'aggregateHostsRemoved') as r(${key})
      where t.aggregate_id = r."aggregateId" and t.host_id = r."hostId";
    ${allOr("aggregateHostsRemoved", "missing")}
  end if;
  if turn ? 'aggregateHosts' then
    if exists (
      select from jsonb_to_recordset(turn->'aggregateHosts') as r(${key})
        where not exists (select from aggregate a where a.id = r."aggregateId")
          or not exists (select from host h where h.id = r."hostId")
    ) then
      ${refuse(`'{"kind":"missing"}'`)};
    end if;
    insert into aggregate_host (aggregate_id, host_id)
      select r."aggregateId", r."hostId" from jsonb_to_recordset(turn->'aggregateHosts') as r(${key})
      on conflict do nothing;
  end if;
  if turn ?| array['aggregateHosts', 'aggregatesChanged'] then
    select ah.host_id into twice from aggregate_host ah join aggregate a on a.id = ah.aggregate_id
      where a.availability_zone is not null
      group by ah.host_id having count(distinct a.availability_zone) > 1 order by ah.host_id limit 1;
    if found then
      ${refuse(`jsonb_build_object('kind', 'zoneConflict', 'hostId', twice)::text`)};
    end if;
  end if;
  ${removeUnused(
    "serverGroupsRemoved",
    "server_group",
    `instance where server_group_id = ${ids("serverGroupsRemoved")} and deleted_at_ms is null`,
  )}
  ${insertAll("serverGroups", "server_group", serverGroup)}
  if turn ? 'quotas' then
    insert into quota (project, instances_used, vcpus_used, memory_mib_used)
      select r.project, 0, 0, 0 from jsonb_to_recordset(turn->'quotas') as r(project text)
      on conflict do nothing;
    update quota t set
        instances = case when r.one ? 'instances' then (r.one->>'instances')::bigint else t.instances end,
        vcpus = case when r.one ? 'vcpus' then (r.one->>'vcpus')::bigint else t.vcpus end,
        memory_mib = case when r.one ? 'memoryMib' then (r.one->>'memoryMib')::bigint else t.memory_mib end
      from jsonb_array_elements(turn->'quotas') as r(one) where t.project = r.one->>'project';
  end if;
  return true;
end $$`;

/** Failures count until a success comes after them. Nearly all turns have one success, and change nothing. */
export const builds = `create function novact_commit_builds(turn jsonb) returns boolean language plpgsql as $$
begin
  if not turn->'buildsEnded' @> '[{"failed":true}]' then
    update host set failed_builds = 0
      where id = any (array(select jsonb_array_elements(turn->'buildsEnded')->>'hostId')) and failed_builds > 0;
    return true;
  end if;
  update host h set failed_builds = s.failures + case when s.succeeded then 0 else h.failed_builds end
    from (
      select b."hostId", bool_or(not b.failed) as succeeded,
          count(*) filter (where b.place > coalesce(b.last_success, 0)) as failures
        from (
          select r."hostId", r.failed, r.ordinality as place,
              max(r.ordinality) filter (where not r.failed) over (partition by r."hostId") as last_success
            from rows from (jsonb_to_recordset(turn->'buildsEnded') as ("hostId" text, failed boolean))
              with ordinality as r
        ) b group by b."hostId"
    ) s where h.id = s."hostId" and (s.failures > 0 or h.failed_builds > 0);
  return true;
end $$`;

/**
 * What projects use: less by what is deleted now (and was not before), more by what is made, within their
 * limits. Before the instances are written, for it compares with what they were.
 */
export const use = `create function novact_commit_use(turn jsonb) returns boolean language plpgsql as $$
declare
  broken record;
begin
  if turn ? 'deleting' then
    update quota q set instances_used = greatest(0, instances_used - g.instances),
        vcpus_used = greatest(0, vcpus_used - g.vcpus),
        memory_mib_used = greatest(0, memory_mib_used - g.memory)
      from (
        select project, count(*) as instances, sum((flavor->>'vcpus')::bigint) as vcpus,
            sum((flavor->>'memoryMib')::bigint) as memory
          from instance where id = ${ids("deleting")} and deleted_at_ms is null group by project
      ) g where q.project = g.project;
  end if;
  if not turn ? 'usage' then
    return true;
  end if;
  with asked as (
    select project, sum(instances)::bigint as instances, sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory
      from jsonb_to_recordset(turn->'usage') as r(project text, instances bigint, vcpus bigint, "memoryMib" bigint)
      group by project
  ), used as (
    insert into quota as q (project, instances_used, vcpus_used, memory_mib_used)
      select project, instances, vcpus, memory from asked
      on conflict (project) do update set instances_used = q.instances_used + excluded.instances_used,
        vcpus_used = q.vcpus_used + excluded.vcpus_used,
        memory_mib_used = q.memory_mib_used + excluded.memory_mib_used
      returning q.*
  )
  select r.* into broken from asked a join used u on u.project = a.project left join quota d on d.project = '*',
    lateral (values
      (1, 'instances', coalesce(u.instances, d.instances), u.instances_used, a.instances),
      (2, 'vcpus', coalesce(u.vcpus, d.vcpus), u.vcpus_used, a.vcpus),
      (3, 'memoryMib', coalesce(u.memory_mib, d.memory_mib), u.memory_mib_used, a.memory)
    ) as r(place, resource, most, used, asked)
    where r.most >= 0 and r.used > r.most and r.asked > 0 order by r.place limit 1;
  if found then
    ${refuse(`jsonb_build_object('kind', 'quotaExceeded', 'resource', broken.resource, 'limit', broken.most,
      'used', broken.used - broken.asked, 'asked', broken.asked)::text`)};
  end if;
  return true;
end $$`;

const grouped = `"instanceId" text, "hostId" text, "groupId" text`;

/** After everything is written: where the members of a group are now, those of this turn included. */
export const groups = `create function novact_commit_groups(turn jsonb) returns boolean language plpgsql as $$
declare
  broken record;
begin
  if exists (
    select from jsonb_to_recordset(turn->'grouped') as r(${grouped})
      where not exists (select from server_group g where g.id = r."groupId")
  ) then
    ${refuse(`'{"kind":"missing"}'`)};
  end if;
  select r."hostId", g.id into broken
    from rows from (jsonb_to_recordset(turn->'grouped') as (${grouped})) with ordinality as r
      join server_group g on g.id = r."groupId"
    where case g.policy
      when 'anti-affinity' then coalesce(g.max_per_host, 1) <= (
        select count(*) from instance i where i.server_group_id = g.id and i.deleted_at_ms is null
          and i.host_id = r."hostId" and i.id <> r."instanceId")
      when 'affinity' then exists (
        select from instance i where i.server_group_id = g.id and i.deleted_at_ms is null
          and i.host_id <> r."hostId" and i.id <> r."instanceId")
      else false end
    order by r.ordinality limit 1;
  if found then
    ${refuse(`jsonb_build_object('kind', 'groupRule', 'hostId', broken."hostId", 'groupId', broken.id)::text`)};
  end if;
  return true;
end $$`;
