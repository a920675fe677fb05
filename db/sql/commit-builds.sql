-- Builds that ended: failures count until a success comes after them, with whose builds these were; two of
-- each are enough to tell. Nearly all turns have one success, and change nothing.
create or replace function novact_commit_builds(turn jsonb) returns boolean
language plpgsql as $$
begin
  if not turn->'buildsEnded' @> '[{"failed":true}]' then
    update host set failed_builds = 0, failed_builds_of = null
      where id = any (array(select jsonb_array_elements(turn->'buildsEnded')->>'hostId')) and failed_builds
          > 0;
    return true;
  end if;
  update host h set failed_builds = s.failures + case when s.succeeded then 0 else h.failed_builds end,
        failed_builds_of = case when s.failures > 0 then
          jsonb_build_object('projects', (
          select coalesce(jsonb_agg(x order by x collate "C"), '[]') from (
            select x from (
              select jsonb_array_elements_text(
                case when s.succeeded or h.failed_builds_of is null then '[]' else
                    h.failed_builds_of->'projects' end)
              union select unnest(s.projects)
            ) as u(x) where x is not null order by x collate "C" limit 2
          ) few), 'images', (
          select coalesce(jsonb_agg(x order by x collate "C"), '[]') from (
            select x from (
              select jsonb_array_elements_text(
                case when s.succeeded or h.failed_builds_of is null then '[]' else
                    h.failed_builds_of->'images' end)
              union select unnest(s.images)
            ) as u(x) where x is not null order by x collate "C" limit 2
          ) few)) end
    from (
      select b."hostId", bool_or(not b.failed) as succeeded,
          count(*) filter (where b.place > coalesce(b.last_success, 0)) as failures,
              array_agg(b.project) filter (where b.place > coalesce(b.last_success, 0)) as projects,
              array_agg(b."imageId") filter (where b.place > coalesce(b.last_success, 0)) as images
        from (
          select r."hostId", r.failed, r.project, r."imageId", r.ordinality as place,
              max(r.ordinality) filter (where not r.failed) over (partition by r."hostId") as last_success
            from rows from (jsonb_to_recordset(turn->'buildsEnded') as ("hostId" text, failed boolean,
                project text, "imageId" text))
              with ordinality as r
        ) b group by b."hostId"
    ) s where h.id = s."hostId" and (s.failures > 0 or h.failed_builds > 0);
  return true;
end
$$;
