-- Hosts that are disabled because builds on them fail (decision 0014): never the last one, no more than a
-- third of those that would be enabled, and only for failures of two projects and of two images. Before the
-- hosts are changed; what is missing is refused by the function that changes them.
create or replace function novact_breaker(changes jsonb) returns boolean
language plpgsql as $$
declare
  going bigint;
  least_failed bigint;
  suspicious bigint;
  broken bigint;
  remaining bigint;
begin
  update host h set failed_builds_of = null
    from jsonb_to_recordset(changes->'hostsEnabled') as r("hostId" text, enabled boolean)
    where h.id = r."hostId" and r.enabled and h.failed_builds_of is not null;

  select count(*), min(r."failedBuildsMin"),
      count(*) filter (where jsonb_array_length(h.failed_builds_of->'projects') >= 2
        and jsonb_array_length(h.failed_builds_of->'images') >= 2)
    into going, least_failed, suspicious
    from jsonb_to_recordset(changes->'hostsEnabled') as r("hostId" text, "failedBuildsMin" bigint)
      join host h on h.id = r."hostId"
    where r."failedBuildsMin" is not null;
  if going = 0 then
    return true;
  end if;

  -- Those that are disabled for it already, and those that others could be placed on then.
  select count(*) filter (where not h.enabled and h.failed_builds >= least_failed),
      count(*) filter (where h.enabled
        and not exists (select from host_lease l where l.host_id = h.id and l.fenced_by is not null)
        and not exists (
          select from jsonb_to_recordset(changes->'hostsEnabled')
              as r("hostId" text, "failedBuildsMin" bigint)
            where r."hostId" = h.id and r."failedBuildsMin" is not null
        ))
    into broken, remaining
    from host h;
  if suspicious < going or remaining = 0
    or broken + going > greatest(1, (broken + going + remaining) / 3) then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;
