-- Leases of hosts: grants, fences, and the fences that a commit rests on (decision 0009). After the hosts,
-- which may be new, and before the claims on them. Renewals are counted beside the commits.
create or replace function novact_lease(changes jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
  done boolean;
begin
  -- The first lease has epoch 1; any other is one above a lease that was fenced. A lease outlives its host,
  -- so the table does not refer to it.
  if changes ? 'leasesGranted' then
    done := novact_need_hosts(changes->'leasesGranted');
    insert into host_lease as t (host_id, lease_epoch, renewals, fenced_by)
      select r."hostId", r."leaseEpoch", 1, null
        from jsonb_to_recordset(changes->'leasesGranted') as r("hostId" text, "leaseEpoch" bigint)
        where r."leaseEpoch" = 1 or exists (select from host_lease l where l.host_id = r."hostId")
      on conflict (host_id) do update set
          lease_epoch = excluded.lease_epoch, renewals = t.renewals + 1, fenced_by = null
        where t.fenced_by is not null and excluded.lease_epoch = t.lease_epoch + 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'leasesGranted') then
      perform novact_refuse('conflict');
    end if;
  end if;

  -- A fence is final, but for one by silence: a word or the power takes its place.
  -- A fence that counted renewals holds only when none came since. The lease of a host that was removed is
  -- only remembered: nobody fences it, and nothing rests on its fence.
  if changes ? 'leasesFenced' then
    update host_lease l set fenced_by = r.proof
      from jsonb_to_recordset(changes->'leasesFenced')
        as r("hostId" text, "leaseEpoch" bigint, renewals bigint, proof jsonb)
      where l.host_id = r."hostId" and l.lease_epoch = r."leaseEpoch"
        and (l.fenced_by is null or (
          l.fenced_by->>'kind' in ('lease', 'storage') and r.proof->>'kind' in ('power', 'operator')
        ))
        and l.renewals = coalesce(r.renewals, l.renewals)
        and exists (select from host h where h.id = l.host_id);
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'leasesFenced') then
      perform novact_refuse('conflict');
    end if;
  end if;

  if exists (
    select from jsonb_to_recordset(changes->'fencesExpected') as r("hostId" text, "leaseEpoch" bigint)
      where not exists (
        select from host_lease l
            join host h on h.id = l.host_id
          where l.host_id = r."hostId" and l.lease_epoch = r."leaseEpoch" and l.fenced_by is not null
      )
  ) then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;
