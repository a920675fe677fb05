-- Rows of the resources of plug-ins, which are all in one table: as db/sql/commit-rows.sql does with those of
-- ours, in the same order. A change or a removal names plug-in and noun beside the id, so that no plug-in
-- reaches the rows of another one. What another version of the plug-in has in the body stays there.
create or replace function novact_commit_extension_rows(changes jsonb) returns boolean
language plpgsql as $$
declare
  part record;
  found_rows bigint;
begin
  if changes ? 'extensionsRemoved' then
    with given as (
      select r.* from rows from (
          jsonb_to_recordset(changes->'extensionsRemoved') as (plugin text, noun text, id text)
        ) with ordinality as r(plugin, noun, id, place)
    ), gone as (
      delete from extension_row t using given g
        where t.plugin = g.plugin and t.noun = g.noun and t.id = g.id returning t.plugin, t.noun, t.id
    )
    select g.noun, g.id into part from given g
      where (g.plugin, g.noun, g.id) not in (select gone.plugin, gone.noun, gone.id from gone)
      order by min(g.place) over (partition by g.plugin, g.noun), g.place limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', part.noun, 'id', part.id));
    end if;
  end if;

  if changes ? 'extensionsMade' then
    insert into extension_row (
        id, plugin, noun, project, user_name, name, unique_name, number, created_at_ms, body, version
      )
      select r.id, r.plugin, r.noun, r.project, r."user", r.name, r."uniqueName", r.number, r."createdAtMs",
          r.body, r.version
        from jsonb_to_recordset(changes->'extensionsMade') as r(
          id text, plugin text, noun text, project text, "user" text, name text, "uniqueName" text,
          number bigint, "createdAtMs" bigint, body jsonb, version bigint
        );
  end if;

  for part in
    select r.one from jsonb_array_elements(changes->'extensionsChanged') with ordinality as r(one, place)
      order by r.place
  loop
    update extension_row t
      set name = part.one->>'name', unique_name = part.one->>'uniqueName',
          body = t.body - array(select jsonb_array_elements_text(part.one->'absent')) || (part.one->'body'),
          version = (part.one->>'version')::bigint
      where t.plugin = part.one->>'plugin' and t.noun = part.one->>'noun' and t.id = part.one->>'id'
        and t.version = (part.one->>'version')::bigint - 1;
    get diagnostics found_rows = row_count;
    if found_rows = 0 then
      perform novact_refuse('conflict');
    end if;
  end loop;

  for part in
    select r.one as counted, r.one->>'user' as user_name
      from jsonb_array_elements(changes->'extensionsCounted') with ordinality as r(one, place)
      order by r.place
  loop
    select count(*) into found_rows from extension_row t
      where t.plugin = part.counted->>'plugin' and t.noun = part.counted->>'noun'
        and t.project = part.counted->>'project'
        and (part.user_name is null or t.user_name = part.user_name);
    perform novact_refuse_above_limit(part.counted, found_rows);
  end loop;
  return true;
end
$$;
