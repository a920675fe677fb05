-- What instances take of hosts (I3): released first, then taken, within each host's capacity and under the
-- lease that it holds. vCPUs that share CPUs must find enough that are nobody's own.
create or replace function novact_commit_claims(turn jsonb) returns boolean
language plpgsql as $$
declare
  one jsonb;
  fitting text[];
  full_host text;
  changed bigint;
begin
  if turn ? 'claimsReleased' then
    with gone as (
      delete from claim t using jsonb_to_recordset(turn->'claimsReleased') as r("instanceId" text,
          epoch bigint)
        where t.instance_id = r."instanceId" and t.epoch = r.epoch
        returning t.*
    ), sums as (
      select "hostId", sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory,
          sum("diskGib")::bigint as disk, count(*) as claims
        from (select host_id as "hostId", vcpus, memory_mib as "memoryMib",
            disk_gib as "diskGib" from gone) c group by "hostId")
    update host h set vcpus_claimed = vcpus_claimed - s.vcpus,
        memory_mib_claimed = memory_mib_claimed - s.memory,
        disk_gib_claimed = disk_gib_claimed - s.disk, instances = instances - s.claims
      from sums s where h.id = s."hostId";
  end if;
  if not turn ? 'claims' then
    return true;
  end if;
  select r."hostId" into full_host
    from rows from (jsonb_to_recordset(turn->'claims') as ("instanceId" text, epoch bigint, "hostId" text,
        vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "leaseEpoch" bigint)) with ordinality as r
      left join host_lease l on l.host_id = r."hostId" left join host h on h.id = r."hostId"
    where coalesce(r."leaseEpoch", 0) <> case when l.fenced_by is null then coalesce(l.epoch, 0) else -1 end
      -- What is there already may be claimed anew on a host that takes nothing new.
      or (not h.enabled and not coalesce(turn->'claimsReleased' @> jsonb_build_array(
        jsonb_build_object('instanceId', r."instanceId", 'epoch', r.epoch)), false))
    order by r.ordinality limit 1;
  if found then
    raise exception using errcode = 'NV001', message = jsonb_build_object('kind', 'hostFull', 'hostId',
        full_host)::text;
  end if;
  if jsonb_array_length(turn->'claims') = 1 then
    -- By far the most common: the same as below, at a third of the cost.
    one := turn->'claims'->0;
    update host set vcpus_claimed = vcpus_claimed + (one->>'vcpus')::bigint,
        memory_mib_claimed = memory_mib_claimed + (one->>'memoryMib')::bigint,
        disk_gib_claimed = disk_gib_claimed + (one->>'diskGib')::bigint, instances = instances + 1
      where id = one->>'hostId' and vcpus_claimed + (one->>'vcpus')::bigint <= vcpus
        and memory_mib_claimed + (one->>'memoryMib')::bigint <= memory_mib
        and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib
        and (vcpus_claimed + (one->>'vcpus')::bigint - pinned_cpus) * real_cpus <= (real_cpus -
            pinned_cpus) * vcpus;
    if not found then
      raise exception using errcode = 'NV001', message = jsonb_build_object('kind', 'hostFull', 'hostId',
          one->>'hostId')::text;
    end if;
    insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)
      values (one->>'instanceId', (one->>'epoch')::bigint, one->>'hostId', (one->>'vcpus')::bigint,
        (one->>'memoryMib')::bigint, (one->>'diskGib')::bigint,
        coalesce((one->>'leaseEpoch')::bigint, 0), nullif(one->'numa', 'null'))
      on conflict do nothing;
    if not found then
      raise exception using errcode = 'NV001', message = '{"kind":"conflict"}';
    end if;
    return true;
  end if;
  with sums as (
      select "hostId", sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory,
          sum("diskGib")::bigint as disk, count(*) as claims
        from (select * from jsonb_to_recordset(turn->'claims') as r("instanceId" text, epoch bigint,
            "hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint,
            "leaseEpoch" bigint)) c group by "hostId"), taken as (
    update host h set vcpus_claimed = vcpus_claimed + s.vcpus,
        memory_mib_claimed = memory_mib_claimed + s.memory,
        disk_gib_claimed = disk_gib_claimed + s.disk, instances = instances + s.claims
      from sums s where h.id = s."hostId" and vcpus_claimed + s.vcpus <= h.vcpus
        and memory_mib_claimed + s.memory <= h.memory_mib and disk_gib_claimed + s.disk <= h.disk_gib
        and (vcpus_claimed + s.vcpus - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * h.vcpus
      returning h.id
  )
  select array_agg(t.id), min(s."hostId") filter (where t.id is null) into fitting, full_host
    from sums s left join taken t on t.id = s."hostId";
  if full_host is not null then
    select r."hostId" into full_host from (
      select r."hostId", r.ordinality, sum(r.vcpus) over earlier as vcpus,
          sum(r."memoryMib") over earlier as memory,
          sum(r."diskGib") over earlier as disk
        from rows from (jsonb_to_recordset(turn->'claims') as ("instanceId" text, epoch bigint,
            "hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint,
            "leaseEpoch" bigint)) with ordinality as r
        window earlier as (partition by r."hostId" order by r.ordinality)
    ) r left join host h on h.id = r."hostId"
      where r."hostId" <> all (coalesce(array_remove(fitting, null), '{}')) and (
        h.id is null or h.vcpus_claimed + r.vcpus > h.vcpus or h.memory_mib_claimed + r.memory >
            h.memory_mib
          or h.disk_gib_claimed + r.disk > h.disk_gib
          or (h.vcpus_claimed + r.vcpus - h.pinned_cpus) * h.real_cpus > (h.real_cpus - h.pinned_cpus) *
              h.vcpus)
      order by r.ordinality limit 1;
    raise exception using errcode = 'NV001', message = jsonb_build_object('kind', 'hostFull', 'hostId',
        full_host)::text;
  end if;
  insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)
    select r."instanceId", r.epoch, r."hostId", r.vcpus, r."memoryMib", r."diskGib",
        coalesce(r."leaseEpoch", 0), r.numa
      from jsonb_to_recordset(turn->'claims') as r("instanceId" text, epoch bigint, "hostId" text,
          vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "leaseEpoch" bigint, numa jsonb)
    on conflict do nothing;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(turn->'claims') then
    raise exception using errcode = 'NV001', message = '{"kind":"conflict"}';
  end if;
  return true;
end
$$;
