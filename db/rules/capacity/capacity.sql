-- What instances take of hosts (I3): first what is given back, then what is taken, within each host's
-- capacity and under the lease that it holds. Claims with NUMA nodes take of these by a trigger (claim-
-- numa.sql).
create or replace function novact_capacity(changes jsonb) returns boolean
language plpgsql as $$
declare
  one jsonb;
  fitting text[];
  full_host text;
  changed bigint;
begin
  if changes ? 'claimsReleased' then
    with gone as (
      delete from claim t
        using jsonb_to_recordset(changes->'claimsReleased') as r("instanceId" text, "ownerEpoch" bigint)
        where t.instance_id = r."instanceId" and t.owner_epoch = r."ownerEpoch"
        returning t.*
    ), sums as (
      select host_id, sum(vcpus)::bigint as vcpus, sum(memory_mib)::bigint as memory,
          sum(disk_gib)::bigint as disk, count(*) as claims
        from gone group by host_id
    )
    update host h set
        vcpus_claimed = vcpus_claimed - s.vcpus, memory_mib_claimed = memory_mib_claimed - s.memory,
        disk_gib_claimed = disk_gib_claimed - s.disk, instances = instances - s.claims
      from sums s where h.id = s.host_id;
  end if;
  if not changes ? 'claims' then
    return true;
  end if;

  -- Under the lease that the host holds, or under none when it never had one; and nothing new on a host that
  -- is disabled: what is there already is only claimed anew.
  select r."hostId" into full_host
    from rows from (
        jsonb_to_recordset(changes->'claims')
          as ("instanceId" text, "ownerEpoch" bigint, "hostId" text, "leaseEpoch" bigint)
      ) with ordinality as r
      left join host_lease l on l.host_id = r."hostId"
      left join host h on h.id = r."hostId"
    where r."leaseEpoch" <> case when l.fenced_by is null then coalesce(l.lease_epoch, 0) else -1 end
      or (not h.enabled and not coalesce(changes->'claimsReleased' @> jsonb_build_array(
        jsonb_build_object('instanceId', r."instanceId", 'ownerEpoch', r."ownerEpoch")
      ), false))
    order by r.ordinality limit 1;
  if found then
    perform novact_refuse('hostFull', jsonb_build_object('hostId', full_host));
  end if;

  -- By far the most common: the same as below, at a third of the cost.
  if jsonb_array_length(changes->'claims') = 1 then
    one := changes->'claims'->0;
    update host set
        vcpus_claimed = vcpus_claimed + (one->>'vcpus')::bigint,
        memory_mib_claimed = memory_mib_claimed + (one->>'memoryMib')::bigint,
        disk_gib_claimed = disk_gib_claimed + (one->>'diskGib')::bigint,
        instances = instances + 1
      where id = one->>'hostId'
        and vcpus_claimed + (one->>'vcpus')::bigint <= vcpus
        and memory_mib_claimed + (one->>'memoryMib')::bigint <= memory_mib
        and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib
        -- vCPUs that share CPUs find enough that no guest has to itself.
        and (vcpus_claimed + (one->>'vcpus')::bigint - pinned_cpus) * real_cpus
          <= (real_cpus - pinned_cpus) * vcpus;
    if not found then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', one->>'hostId'));
    end if;
    insert into claim (instance_id, owner_epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)
      values (one->>'instanceId', (one->>'ownerEpoch')::bigint, one->>'hostId', (one->>'vcpus')::bigint,
        (one->>'memoryMib')::bigint, (one->>'diskGib')::bigint, (one->>'leaseEpoch')::bigint,
        nullif(one->'numa', 'null'))
      on conflict do nothing;
    if not found then
      perform novact_refuse('conflict');
    end if;
    return true;
  end if;

  with sums as (
    select "hostId", sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory,
        sum("diskGib")::bigint as disk, count(*) as claims
      from jsonb_to_recordset(changes->'claims')
        as r("hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint)
      group by "hostId"
  ), taken as (
    update host h set
        vcpus_claimed = vcpus_claimed + s.vcpus, memory_mib_claimed = memory_mib_claimed + s.memory,
        disk_gib_claimed = disk_gib_claimed + s.disk, instances = instances + s.claims
      from sums s
      where h.id = s."hostId"
        and vcpus_claimed + s.vcpus <= h.vcpus
        and memory_mib_claimed + s.memory <= h.memory_mib
        and disk_gib_claimed + s.disk <= h.disk_gib
        and (vcpus_claimed + s.vcpus - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * h.vcpus
      returning h.id
  )
  select array_agg(t.id), min(s."hostId") filter (where t.id is null)
    into fitting, full_host
    from sums s left join taken t on t.id = s."hostId";
  if full_host is not null then
    -- The first claim, in the order of the commit, that its host has no room for after those before it.
    select r."hostId" into full_host
      from (
        select r."hostId", r.ordinality, sum(r.vcpus) over earlier as vcpus,
            sum(r."memoryMib") over earlier as memory, sum(r."diskGib") over earlier as disk
          from rows from (
            jsonb_to_recordset(changes->'claims')
              as ("hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint)
          ) with ordinality as r
          window earlier as (partition by r."hostId" order by r.ordinality)
      ) r
        left join host h on h.id = r."hostId"
      where r."hostId" <> all (coalesce(array_remove(fitting, null), '{}')) and (
        h.id is null
        or h.vcpus_claimed + r.vcpus > h.vcpus
        or h.memory_mib_claimed + r.memory > h.memory_mib
        or h.disk_gib_claimed + r.disk > h.disk_gib
        or (h.vcpus_claimed + r.vcpus - h.pinned_cpus) * h.real_cpus > (h.real_cpus - h.pinned_cpus) * h.vcpus
      )
      order by r.ordinality limit 1;
    perform novact_refuse('hostFull', jsonb_build_object('hostId', full_host));
  end if;

  insert into claim (instance_id, owner_epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)
    select r."instanceId", r."ownerEpoch", r."hostId", r.vcpus, r."memoryMib", r."diskGib",
        r."leaseEpoch", r.numa
      from jsonb_to_recordset(changes->'claims') as r(
        "instanceId" text, "ownerEpoch" bigint, "hostId" text,
        vcpus bigint, "memoryMib" bigint, "diskGib" bigint,
        "leaseEpoch" bigint, numa jsonb
      )
    on conflict do nothing;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(changes->'claims') then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;
