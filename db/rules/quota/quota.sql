-- What projects use of their quotas (decision 0008), a sum that is kept: less by what is deleted now and was
-- not before, more by what is made, within their limits. Before the instances are written, for it compares
-- with what they were.
create or replace function novact_quota(changes jsonb) returns boolean
language plpgsql as $$
declare
  broken record;
begin
  if changes ? 'deleting' then
    update quota q set
        instances_used = greatest(0, instances_used - g.instances),
        vcpus_used = greatest(0, vcpus_used - g.vcpus),
        memory_mib_used = greatest(0, memory_mib_used - g.memory)
      from (
        select project, count(*) as instances, sum((flavor->>'vcpus')::bigint) as vcpus,
            sum((flavor->>'memoryMib')::bigint) as memory
          from instance
          where id = any (array(select jsonb_array_elements_text(changes->'deleting')))
            and deleted_at_ms is null
          group by project
      ) g
      where q.project = g.project;
  end if;
  if not changes ? 'usage' then
    return true;
  end if;

  with asked as (
    select project, sum(instances)::bigint as instances, sum(vcpus)::bigint as vcpus,
        sum("memoryMib")::bigint as memory
      from jsonb_to_recordset(changes->'usage')
        as r(project text, instances bigint, vcpus bigint, "memoryMib" bigint)
      group by project
  ), used as (
    insert into quota as q (project, instances_used, vcpus_used, memory_mib_used)
      select project, instances, vcpus, memory from asked
      on conflict (project) do update set
          instances_used = q.instances_used + excluded.instances_used,
          vcpus_used = q.vcpus_used + excluded.vcpus_used,
          memory_mib_used = q.memory_mib_used + excluded.memory_mib_used
      returning q.*
  )
  -- A limit that is null is the default, the row of the project `*`; one below 0 is none.
  select r.* into broken
    from asked a
      join used u on u.project = a.project
      left join quota d on d.project = '*'
      cross join lateral (values
        (1, 'instances', coalesce(u.instances, d.instances), u.instances_used, a.instances),
        (2, 'vcpus', coalesce(u.vcpus, d.vcpus), u.vcpus_used, a.vcpus),
        (3, 'memoryMib', coalesce(u.memory_mib, d.memory_mib), u.memory_mib_used, a.memory)
      ) as r(place, resource, most, used, asked)
    where r.most >= 0 and r.used > r.most and r.asked > 0
    order by r.place limit 1;
  if found then
    perform novact_refuse('quotaExceeded', jsonb_build_object(
      'resource', broken.resource, 'limit', broken.most, 'used', broken.used - broken.asked,
      'asked', broken.asked
    ));
  end if;
  return true;
end
$$;
