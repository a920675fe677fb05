-- Rows of resources: what is changed in some fields, if it has others, comes first; then what is removed,
-- what is let go of, what is made and what is changed, and at last how many there are, or how much. The same
-- for every resource: a new one needs its table, and a line in novact_resource, which is the list of the
-- tables that may be named here. What may not be is said by the constraints of the table
-- (db/rules/reference), and a change of a row at another version is a conflict.
create or replace function novact_commit_rows(changes jsonb) returns boolean
language plpgsql as $$
declare
  part record;
  names text;
  found_rows bigint;
  done boolean;
begin
  for part in
    select t.name, r.one as patch
      from jsonb_array_elements(changes->'rowsPatched') with ordinality as r(one, place)
        join novact_resource t on t.name = r.one->>'table'
      order by r.place
  loop
    select string_agg(quote_ident(key), ', ') into names from jsonb_object_keys(part.patch->'row') as key;
    execute format(
      'update %1$I t set (version, %2$s) = (
          select t.version + 1, %3$s from jsonb_populate_record(null::%1$I, $1->''row'') r
        )
        where t.id = $1->>''id'' and to_jsonb(t) @> ($1->''fields'')', part.name, names,
      (select string_agg('r.' || quote_ident(key), ', ') from jsonb_object_keys(part.patch->'row') as key)
    ) using part.patch;
    get diagnostics found_rows = row_count;
    if found_rows = 0 then
      perform novact_refuse('conflict');
    end if;
  end loop;

  for part in
    select t.name, t.noun, jsonb_agg(r.one->'id' order by r.place) as ids
      from jsonb_array_elements(changes->'rowsRemoved') with ordinality as r(one, place)
        join novact_resource t on t.name = r.one->>'table'
      group by t.name, t.noun order by min(r.place)
  loop
    done := novact_remove_named(part.name::regclass, part.noun, part.ids);
  end loop;

  for part in
    select t.name, jsonb_agg(r.one order by r.place) as list
      from jsonb_array_elements(changes->'rowsLetGo') with ordinality as r(one, place)
        join novact_resource t on t.name = r.one->>'table'
      group by t.name order by min(r.place)
  loop
    done := novact_let_go(part.name::regclass, part.list);
  end loop;

  -- The columns are those that the controller knows: one that is newer has a default for older ones.
  for part in
    select t.name, jsonb_agg(r.one->'row' order by r.place) as list
      from jsonb_array_elements(changes->'rowsMade') with ordinality as r(one, place)
        join novact_resource t on t.name = r.one->>'table'
      group by t.name order by min(r.place)
  loop
    select string_agg(quote_ident(key), ', ') into names from jsonb_object_keys(part.list->0) as key;
    execute format('insert into %1$I (%2$s) select %2$s from jsonb_populate_recordset(null::%1$I, $1)',
      part.name, names) using part.list;
  end loop;

  for part in
    select t.name, r.one->'row' as changed
      from jsonb_array_elements(changes->'rowsChanged') with ordinality as r(one, place)
        join novact_resource t on t.name = r.one->>'table'
      order by r.place
  loop
    select string_agg(quote_ident(key), ', ') into names from jsonb_object_keys(part.changed) as key;
    execute format(
      'update %1$I t set (%2$s) = (select %2$s from jsonb_populate_record(null::%1$I, $1))
        where t.id = $1->>''id'' and t.version = ($1->>''version'')::bigint - 1', part.name, names
    ) using part.changed;
    get diagnostics found_rows = row_count;
    if found_rows = 0 then
      perform novact_refuse('conflict');
    end if;
  end loop;

  for part in
    select t.name, r.one as counted, r.one->>'project' as project, r.one->>'user' as user_name
      from jsonb_array_elements(changes->'rowsCounted') with ordinality as r(one, place)
        join novact_resource t on t.name = r.one->>'table'
      order by r.place
  loop
    execute format('select %s from %I where project = $1%s',
      coalesce('coalesce(sum(' || quote_ident(part.counted->>'sumOf') || '), 0)', 'count(*)'), part.name,
      case when part.user_name is null then '' else ' and user_name = $2' end
    ) into found_rows using part.project, part.user_name;
    perform novact_refuse_above_limit(part.counted, found_rows);
  end loop;
  return true;
end
$$;
