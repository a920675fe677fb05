-- What hosts say of themselves, and whether they are enabled. What is claimed on a host must still fit into
-- what it says it has. Its generation rises when anything of it changes.
create or replace function novact_commit_hosts(turn jsonb, now_ms bigint) returns boolean
language plpgsql as $$
declare
  changed bigint;
  too_small text;
begin
  if turn ? 'hosts' then
    select h.id into too_small
      from rows from (jsonb_to_recordset(turn->'hosts') as ("hostId" text, name text, "bootId" text,
          "architecture" text, hypervisor text, accelerator text, "acceleratorReason" text,
          "hypervisorVersion" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "storageId" text,
          "labels" jsonb, features jsonb, "machineTypes" jsonb, numa jsonb))
        with ordinality as r, host h
      where h.id = r."hostId"
        and (h.vcpus_claimed > r.vcpus or h.memory_mib_claimed > r."memoryMib" or h.disk_gib_claimed >
            r."diskGib"
          or (h.pinned_cpus > 0 and (h.pinned_cpus > (select coalesce(sum((n->>'vcpus')::bigint),
              0) from jsonb_array_elements(coalesce(r.numa, '[]')) as n)
            or (h.vcpus_claimed - h.pinned_cpus) * (select coalesce(sum((n->>'vcpus')::bigint),
                0) from jsonb_array_elements(coalesce(r.numa,
                '[]')) as n) > ((select coalesce(sum((n->>'vcpus')::bigint),
                0) from jsonb_array_elements(coalesce(r.numa, '[]')) as n) - h.pinned_cpus) * r.vcpus))
          or exists (
            select from host_cell c where c.host_id = h.id and c.claimed > coalesce((
              select t.total from jsonb_array_elements(coalesce(r.numa, '[]')) with ordinality as n(cell,
                  place)
      cross join lateral (
        select 'cpus' as resource, (n.cell->>'vcpus')::bigint as total
        union all
        select 'memory', greatest(0, (n.cell->>'memoryMib')::bigint - floor(coalesce((
          select sum((p->>'sizeKib')::bigint * (p->>'total')::bigint) from
              jsonb_array_elements(n.cell->'hugePages') as p
        ), 0) / 1024))::bigint
        union all
        select 'pages:' || (p->>'sizeKib'),
            (p->>'total')::bigint from jsonb_array_elements(n.cell->'hugePages') as p
      ) as t
                where n.place - 1 = c.cell and t.resource = c.resource), 0)))
      order by r.ordinality limit 1;
    if found then
      raise exception using errcode = 'NV001', message = jsonb_build_object('kind', 'hostFull', 'hostId',
          too_small)::text;
    end if;
    insert into host as t (id, name, boot_id, architecture, hypervisor, accelerator, accelerator_reason,
        hypervisor_version, vcpus, memory_mib, disk_gib, storage_id, labels, features, machine_types, numa,
        vcpus_claimed, memory_mib_claimed, disk_gib_claimed,
        instances, enabled, registered_at_ms, failed_builds, generation, real_cpus, pinned_cpus)
      select r."hostId", r.name, r."bootId", r.architecture, r.hypervisor, r.accelerator,
          r."acceleratorReason", r."hypervisorVersion", r.vcpus, r."memoryMib", r."diskGib",
          r."storageId", coalesce(r.labels, '{}'), coalesce(r.features, '[]'), coalesce(r."machineTypes",
          '[]'), coalesce(r.numa, '[]'), 0, 0, 0, 0, true, now_ms, 0, 1,
          (select coalesce(sum((n->>'vcpus')::bigint), 0) from jsonb_array_elements(coalesce(r.numa,
          '[]')) as n), 0
      from jsonb_to_recordset(turn->'hosts') as r("hostId" text, name text, "bootId" text,
          "architecture" text, hypervisor text, accelerator text, "acceleratorReason" text,
          "hypervisorVersion" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "storageId" text,
          "labels" jsonb, features jsonb, "machineTypes" jsonb, numa jsonb)
      on conflict (id) do update set name = excluded.name, boot_id = excluded.boot_id,
          architecture = excluded.architecture, hypervisor = excluded.hypervisor,
          accelerator = excluded.accelerator, accelerator_reason = excluded.accelerator_reason,
          hypervisor_version = excluded.hypervisor_version, vcpus = excluded.vcpus,
          memory_mib = excluded.memory_mib, disk_gib = excluded.disk_gib, storage_id = excluded.storage_id,
          labels = excluded.labels, features = excluded.features, machine_types = excluded.machine_types,
          numa = excluded.numa,
        real_cpus = excluded.real_cpus,
        generation = t.generation + case when (t.name, t.boot_id, t.architecture, t.hypervisor,
            t.accelerator, t.accelerator_reason, t.hypervisor_version, t.vcpus, t.memory_mib, t.disk_gib,
            t.storage_id, t.labels, t.features, t.machine_types, t.numa) is distinct from (excluded.name,
            excluded.boot_id, excluded.architecture, excluded.hypervisor, excluded.accelerator,
            excluded.accelerator_reason, excluded.hypervisor_version, excluded.vcpus, excluded.memory_mib,
            excluded.disk_gib, excluded.storage_id, excluded.labels, excluded.features,
            excluded.machine_types, excluded.numa) then 1 else 0 end;
    delete from host_cell c using jsonb_to_recordset(turn->'hosts') as r("hostId" text, numa jsonb)
      where c.host_id = r."hostId" and not exists (
        select from jsonb_array_elements(coalesce(r.numa, '[]')) with ordinality as n(cell, place)
      cross join lateral (
        select 'cpus' as resource, (n.cell->>'vcpus')::bigint as total
        union all
        select 'memory', greatest(0, (n.cell->>'memoryMib')::bigint - floor(coalesce((
          select sum((p->>'sizeKib')::bigint * (p->>'total')::bigint) from
              jsonb_array_elements(n.cell->'hugePages') as p
        ), 0) / 1024))::bigint
        union all
        select 'pages:' || (p->>'sizeKib'),
            (p->>'total')::bigint from jsonb_array_elements(n.cell->'hugePages') as p
      ) as t where n.place - 1 = c.cell and t.resource = c.resource);
    insert into host_cell as c (host_id, cell, resource, total, claimed)
      select r."hostId", n.place - 1, t.resource, t.total, 0
        from jsonb_to_recordset(turn->'hosts') as r("hostId" text, numa jsonb)
          cross join lateral jsonb_array_elements(coalesce(r.numa, '[]')) with ordinality as n(cell, place)
      cross join lateral (
        select 'cpus' as resource, (n.cell->>'vcpus')::bigint as total
        union all
        select 'memory', greatest(0, (n.cell->>'memoryMib')::bigint - floor(coalesce((
          select sum((p->>'sizeKib')::bigint * (p->>'total')::bigint) from
              jsonb_array_elements(n.cell->'hugePages') as p
        ), 0) / 1024))::bigint
        union all
        select 'pages:' || (p->>'sizeKib'),
            (p->>'total')::bigint from jsonb_array_elements(n.cell->'hugePages') as p
      ) as t
      on conflict (host_id, cell,
          resource) do update set total = excluded.total where c.total <> excluded.total;
    insert into host_seen as t (host_id, last_seen_at_ms)
      select r."hostId", now_ms from jsonb_to_recordset(turn->'hosts') as r("hostId" text)
      on conflict (host_id) do update set last_seen_at_ms = greatest(t.last_seen_at_ms,
          excluded.last_seen_at_ms);
  end if;
  if turn ? 'hostsEnabled' then
    update host t set enabled = r.enabled, disabled_reason = r.reason,
        failed_builds = case when r.enabled then 0 else t.failed_builds end,
        draining = case when r.enabled then null else coalesce(r.draining, t.draining) end
      from jsonb_to_recordset(turn->'hostsEnabled')
        as r("hostId" text, enabled boolean, reason text, "failedBuildsMin" bigint, draining jsonb)
      where t.id = r."hostId"
        and (r."failedBuildsMin" is null or (t.enabled and t.failed_builds >= r."failedBuildsMin"));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'hostsEnabled') then
      if exists (
        select from jsonb_to_recordset(turn->'hostsEnabled') as r("hostId" text)
          where not exists (select from host h where h.id = r."hostId")
      ) then
        raise exception using errcode = 'NV001', message = '{"kind":"missing"}';
      end if;
      raise exception using errcode = 'NV001', message = '{"kind":"conflict"}';
    end if;
  end if;
  return true;
end
$$;
