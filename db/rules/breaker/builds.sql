-- Builds that ended. Failures of a host count until a success comes after them; whose builds these were is
-- kept with them, two projects and two images at most: two are enough to tell that it is not one user's, or
-- one image's, fault. Nearly all commits have one success, and change nothing.
create or replace function novact_builds(changes jsonb) returns boolean
language plpgsql as $$
begin
  if not changes->'buildsEnded' @> '[{"failed":true}]' then
    update host set failed_builds = 0, failed_builds_of = null
      where id = any (array(select jsonb_array_elements(changes->'buildsEnded')->>'hostId'))
        and failed_builds > 0;
    return true;
  end if;

  update host h set
      failed_builds = s.failures + case when s.succeeded then 0 else h.failed_builds end,
      failed_builds_of = case when s.failures > 0 then jsonb_build_object(
        'projects',
        novact_two_of(case when not s.succeeded then h.failed_builds_of->'projects' end, s.projects),
        'images',
        novact_two_of(case when not s.succeeded then h.failed_builds_of->'images' end, s.images)
      ) end
    from (
      -- What has failed since the last success, of each host.
      select b."hostId", bool_or(not b.failed) as succeeded,
          count(*) filter (where b.place > coalesce(b.last_success, 0)) as failures,
          array_agg(b.project) filter (where b.place > coalesce(b.last_success, 0)) as projects,
          array_agg(b."imageId") filter (where b.place > coalesce(b.last_success, 0)) as images
        from (
          select r.*, r.ordinality as place,
              max(r.ordinality) filter (where not r.failed) over (partition by r."hostId") as last_success
            from rows from (
              jsonb_to_recordset(changes->'buildsEnded')
                as ("hostId" text, failed boolean, project text, "imageId" text)
            ) with ordinality as r
        ) b
        group by b."hostId"
    ) s
    where h.id = s."hostId" and (s.failures > 0 or h.failed_builds > 0);
  return true;
end
$$;
