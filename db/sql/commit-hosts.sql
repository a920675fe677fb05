-- What hosts say of themselves, and whether they are enabled. What is claimed on a host must still fit into
-- what it says it has. Its generation rises when anything of that changes. A new host takes a
-- number; one that is there takes none from the sequence.
create or replace function novact_commit_hosts(changes jsonb, now_ms bigint) returns boolean
language plpgsql as $$
declare
  changed bigint;
  done boolean;
  too_small text;
begin
  if changes ? 'hosts' then
    select h.id into too_small
      from rows from (
          jsonb_to_recordset(changes->'hosts')
            as ("hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, numa jsonb)
        ) with ordinality as r
        join host h on h.id = r."hostId"
        cross join lateral (select novact_real_cpus(r.numa) as cpus) as real
      where h.vcpus_claimed > r.vcpus
        or h.memory_mib_claimed > r."memoryMib"
        or h.disk_gib_claimed > r."diskGib"
        -- Guests that have CPUs to themselves leave too few of them, or too few for the others.
        or (h.pinned_cpus > 0 and (
          h.pinned_cpus > real.cpus
          or (h.vcpus_claimed - h.pinned_cpus) * real.cpus > (real.cpus - h.pinned_cpus) * r.vcpus
        ))
        or exists (
          select from host_numa_node c
              left join novact_offered_numa_nodes(r.numa) o on o.node = c.node and o.resource = c.resource
            where c.host_id = h.id and c.claimed > coalesce(o.total, 0)
        )
      order by r.ordinality limit 1;
    if found then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', too_small));
    end if;

    insert into host as t (
        id, number,
        name, boot_id, architecture, hypervisor, accelerator, accelerator_reason, hypervisor_version,
        vcpus, memory_mib, disk_gib, storage_id, labels, features, machine_types, numa, drivers, real_cpus,
        vcpus_claimed, memory_mib_claimed, disk_gib_claimed, instances, pinned_cpus,
        enabled, registered_at_ms, version, failed_builds, generation
      )
      select
          r."hostId",
          coalesce((select h.number from host h where h.id = r."hostId"), nextval('host_number')),
          r.name, r."bootId", r.architecture, r.hypervisor, r.accelerator, r."acceleratorReason",
          r."hypervisorVersion", r.vcpus, r."memoryMib", r."diskGib", r."storageId",
          r.labels, r.features, r."machineTypes", r.numa, r.drivers, novact_real_cpus(r.numa),
          0, 0, 0, 0, 0,
          true, now_ms, now_ms, 0, 1
        from jsonb_to_recordset(changes->'hosts') as r(
          "hostId" text, name text, "bootId" text, architecture text, hypervisor text, accelerator text,
          "acceleratorReason" text, "hypervisorVersion" text, vcpus bigint, "memoryMib" bigint,
          "diskGib" bigint, "storageId" text, labels jsonb, features jsonb, "machineTypes" jsonb, numa jsonb,
          drivers jsonb
        )
      on conflict (id) do update set
          name = excluded.name, boot_id = excluded.boot_id, architecture = excluded.architecture,
          hypervisor = excluded.hypervisor, accelerator = excluded.accelerator,
          accelerator_reason = excluded.accelerator_reason, hypervisor_version = excluded.hypervisor_version,
          vcpus = excluded.vcpus, memory_mib = excluded.memory_mib, disk_gib = excluded.disk_gib,
          storage_id = excluded.storage_id, labels = excluded.labels, features = excluded.features,
          machine_types = excluded.machine_types, numa = excluded.numa, drivers = excluded.drivers,
          real_cpus = excluded.real_cpus,
          generation = t.generation + case when (
            t.name, t.boot_id, t.architecture, t.hypervisor, t.accelerator, t.accelerator_reason,
            t.hypervisor_version, t.vcpus, t.memory_mib, t.disk_gib, t.storage_id, t.labels, t.features,
            t.machine_types, t.numa, t.drivers
          ) is distinct from (
            excluded.name, excluded.boot_id, excluded.architecture, excluded.hypervisor, excluded.accelerator,
            excluded.accelerator_reason, excluded.hypervisor_version, excluded.vcpus, excluded.memory_mib,
            excluded.disk_gib, excluded.storage_id, excluded.labels, excluded.features,
            excluded.machine_types, excluded.numa, excluded.drivers
          ) then 1 else 0 end;

    delete from host_numa_node c using jsonb_to_recordset(changes->'hosts') as r("hostId" text, numa jsonb)
      where c.host_id = r."hostId" and not exists (
        select from novact_offered_numa_nodes(r.numa) o where o.node = c.node and o.resource = c.resource
      );
    insert into host_numa_node as c (host_id, node, resource, total, claimed)
      select r."hostId", o.node, o.resource, o.total, 0
        from jsonb_to_recordset(changes->'hosts') as r("hostId" text, numa jsonb)
          cross join lateral novact_offered_numa_nodes(r.numa) o
      on conflict (host_id, node, resource) do update set total = excluded.total
        where c.total <> excluded.total;

    insert into host_seen as t (host_id, last_seen_at_ms)
      select r."hostId", now_ms from jsonb_to_recordset(changes->'hosts') as r("hostId" text)
      on conflict (host_id) do update set
        last_seen_at_ms = greatest(t.last_seen_at_ms, excluded.last_seen_at_ms);
  end if;

  if changes ? 'hostsEnabled' then
    -- Whoever is not the host's actor raises its version here.
    update host t set
        enabled = (r.one->>'enabled')::boolean,
        disabled_reason = r.one->>'reason',
        failed_builds = case when (r.one->>'enabled')::boolean then 0 else t.failed_builds end,
        draining = case
          when (r.one->>'enabled')::boolean then null
          when r.one ? 'draining' then nullif(r.one->'draining', 'null')
          else t.draining
        end,
        version = t.version + case
          when changes->'hostsExpected' @> jsonb_build_array(jsonb_build_object('hostId', t.id)) then 0
          else 1
        end
      from jsonb_array_elements(changes->'hostsEnabled') as r(one)
      where t.id = r.one->>'hostId'
        and (not r.one ? 'failedBuildsMin'
          or (t.enabled and t.failed_builds >= (r.one->>'failedBuildsMin')::bigint));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'hostsEnabled') then
      done := novact_need_hosts(changes->'hostsEnabled');
      perform novact_refuse('conflict');
    end if;
  end if;
  return true;
end
$$;
