-- The result of a commit that a constraint of a table refused; null when no commit may break that constraint.
--
-- What is missing is looked for again, in the order of the commit: PostgreSQL names the constraint, and says
-- which row it was only in words. By now nothing of the commit has happened.
create or replace function novact_reference(changes jsonb, code text, broken text) returns jsonb
language plpgsql as $$
declare
  lost record;
  needs record;
begin
  if code = '23505' and (
    broken in ('extension_row_pkey', 'extension_row_name_unique')
    or exists (
      select from novact_resource where broken = name || '_pkey' or broken like name || '\_%\_unique'
    )
  ) then
    return '{"kind":"nameTaken"}';
  end if;

  -- A row of a resource that refers to another one.
  select made.relname as tbl, t.noun, t.name as target, a.attname as field into needs
    from pg_constraint k join pg_class made on made.oid = k.conrelid
      join pg_class target on target.oid = k.confrelid join novact_resource t on t.name = target.relname
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where code = '23503' and k.conname = broken and made.relname in (select name from novact_resource);
  if found then
    execute format(
      'select r.one->''row''->>%1$L as id from jsonb_array_elements($1) with ordinality as r(one, place)
        where r.one->>''table'' = $2 and r.one->''row''->>%1$L is not null
          and not exists (select from %2$I t where t.id = r.one->''row''->>%1$L)
        order by r.place limit 1', needs.field, needs.target
    ) into lost
      using coalesce(changes->'rowsMade', '[]') || coalesce(changes->'rowsChanged', '[]'), needs.tbl;
    return jsonb_build_object('kind', 'missing', 'noun', needs.noun, 'id', lost.id);
  end if;
  if code <> '23503' or broken !~ '^(instance|aggregate_host)_[a-z_]+_reference$' then
    return null;
  end if;

  with made as (
    select r.image->>'id' as image_id, r."serverGroupId" as group_id, r.ordinality
      from rows from (
          jsonb_to_recordset(coalesce(changes->'created', '[]') || coalesce(changes->'updated', '[]'))
            as (id text, version bigint, image jsonb, "serverGroupId" text, "deletedAtMs" bigint)
        ) with ordinality as r
        left join instance i on i.id = r.id
      where r."deletedAtMs" is null and coalesce(i.version, 0) = r.version - 1
  ), joined as (
    select r."aggregateId" as aggregate_id, r."hostId" as host_id, r.ordinality
      from rows from (
        jsonb_to_recordset(coalesce(changes->'aggregateHosts', '[]')) as ("aggregateId" text, "hostId" text)
      ) with ordinality as r
  )
  select needed.noun, needed.id into lost
    from (
      select 1 as place, 'image' as noun, image_id as id, ordinality from made
        where not exists (select from image where image.id = image_id)
      union all
      select 2, 'server-group', group_id, ordinality from made
        where group_id is not null and not exists (select from server_group where server_group.id = group_id)
      union all
      select 3, 'aggregate', aggregate_id, ordinality from joined
        where not exists (select from aggregate where aggregate.id = aggregate_id)
      union all
      select 4, 'host', host_id, ordinality from joined
        where not exists (select from host where host.id = host_id)
    ) as needed
    order by needed.place, needed.ordinality limit 1;
  if not found then
    return null;
  end if;
  return jsonb_build_object('kind', 'missing', 'noun', lost.noun, 'id', lost.id);
end
$$;
