-- What a claim takes of its host's NUMA nodes, and gives back. A trigger's work, on the claims that have
-- any: all others cost what they did.
--
-- host_numa_node has a row for each thing that a NUMA node can run out of: `cpus` that are guests' own,
-- `memory` in ordinary pages, `pages:2048` for huge pages of that many KiB.
create or replace function novact_numa() returns trigger
language plpgsql as $$
declare
  it claim;
  sign bigint := 1;
  pinned bigint;
  wanted bigint;
  changed bigint;
begin
  if tg_op = 'DELETE' then
    it := old;
    sign := -1;
  else
    it := new;
  end if;

  -- The sums of the host have the claim already: those without CPUs of their own must still find enough.
  if (it.numa->>'dedicated')::boolean then
    pinned := sign * it.vcpus;
    update host set pinned_cpus = pinned_cpus + pinned
      where id = it.host_id and (sign < 0 or (
        pinned_cpus + pinned <= real_cpus
        and (vcpus_claimed - pinned_cpus - pinned) * real_cpus <= (real_cpus - pinned_cpus - pinned) * vcpus
      ));
    if not found and sign > 0 then
      perform novact_refuse('hostFull', jsonb_build_object('hostId', it.host_id));
    end if;
  end if;

  with needs as (
    select c.node, n.resource, n.amount
      from jsonb_to_recordset(it.numa->'nodes')
          as c(node bigint, vcpus bigint, "memoryMib" bigint, "pageKib" bigint)
        cross join lateral (values
          ('cpus', case when (it.numa->>'dedicated')::boolean then c.vcpus else 0 end),
          (
            case when c."pageKib" is null then 'memory' else 'pages:' || c."pageKib" end,
            case when c."pageKib" is null then c."memoryMib" else c."memoryMib" * 1024 / c."pageKib" end
          )
        ) as n(resource, amount)
      where n.amount > 0
  ), taken as (
    update host_numa_node t set claimed = t.claimed + sign * n.amount
      from needs n
      where t.host_id = it.host_id and t.node = n.node and t.resource = n.resource
        and (sign < 0 or t.claimed + n.amount <= t.total)
      returning 1
  )
  select (select count(*) from needs), (select count(*) from taken) into wanted, changed;
  if sign > 0 and wanted <> changed then
    perform novact_refuse('hostFull', jsonb_build_object('hostId', it.host_id));
  end if;
  return null;
end
$$;

create or replace trigger claim_takes_numa_nodes after insert on claim for each row
  when (new.numa is not null)
  execute function novact_numa();

create or replace trigger claim_gives_numa_nodes after delete on claim for each row
  when (old.numa is not null)
  execute function novact_numa();
