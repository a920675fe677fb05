-- Removes rows by their ids: those that are there, have these fields, and are held by no other row. Others
-- stay as they are, and nothing is refused.
create or replace function novact_let_go(tbl regclass, list jsonb) returns boolean
language plpgsql as $$
declare
  one jsonb;
begin
  execute format(
    'delete from %s t where t.id = any (array(select g->>''id'' from jsonb_array_elements($1) g))
      and exists (
        select 1 from jsonb_array_elements($1) g where g->>''id'' = t.id and to_jsonb(t) @> (g->''fields'')
      )',
    tbl
  ) using list;
  return true;
exception when foreign_key_violation then
  -- One of them is held: the others go without it.
  if jsonb_array_length(list) > 1 then
    for one in select g from jsonb_array_elements(list) g
    loop
      perform novact_let_go(tbl, jsonb_build_array(one));
    end loop;
  end if;
  return true;
end
$$;
