-- The images of new instances: each is active, its project may use it, its flavor has what it needs at least,
-- and it is as the instance's copy has it. One without a disk of its own has its root disk on a volume, or
-- needs none. The first that is not so refuses the commit as if it were missing;
-- `because` says why to those who may know of the image. Operators may use every image.
create or replace function novact_image(created jsonb) returns boolean
language plpgsql as $$
declare
  broken record;
begin
  select i.id, seen.usable, case when i.state <> 'active' then 'inactive'
        when small.small then 'needsMore' else 'changed' end as because
    into broken
    from rows from (
        jsonb_to_recordset(created) as (project text, image jsonb, flavor jsonb)
      ) with ordinality as r(project, image, flavor, place)
      join image i on i.id = r.image->>'id'
      cross join lateral (select (
        r.project in ('admin', i.project) or i.visibility in ('public', 'community')
        or i.visibility = 'shared'
          and exists (select from image_member m where m.image_id = i.id and m.name = r.project)
      ) as usable) as seen
      cross join lateral (select (
        (r.flavor->>'memoryMib')::bigint < (i.properties->>'memoryMibMin')::bigint
        or r.image->'disk' <> 'null'
          and (r.flavor->>'diskGib')::bigint - coalesce((r.flavor->>'ephemeralGib')::bigint, 0)
            - ceil(coalesce((r.flavor->>'swapMib')::bigint, 0) / 1024.0)
            < (i.properties->>'diskGibMin')::bigint
      ) as small) as small
    where not seen.usable or i.state <> 'active' or small.small or r.image->'properties' <> i.properties
    order by r.place limit 1;
  if found then
    perform novact_refuse('missing', jsonb_build_object('noun', 'image', 'id', broken.id)
      || case when broken.usable then jsonb_build_object('because', broken.because) else '{}' end);
  end if;
  return true;
end
$$;
