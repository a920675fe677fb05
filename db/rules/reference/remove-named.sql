-- Removes rows by their ids, all of them or none: one that is not there is missing, one that another row
-- refers to is in use.
create or replace function novact_remove_named(tbl regclass, noun text, ids jsonb) returns boolean
language plpgsql as $$
declare
  lost text;
begin
  begin
    execute format(
      'with gone as (
        delete from %s where id = any (array(select jsonb_array_elements_text($1))) returning id
      )
      select one.id from jsonb_array_elements_text($1) with ordinality as one(id)
        where one.id not in (select id from gone) order by one.ordinality limit 1',
      tbl
    ) into lost using ids;
  exception when foreign_key_violation then
    perform novact_refuse('inUse');
  end;
  if lost is not null then
    perform novact_refuse('missing', jsonb_build_object('noun', noun, 'id', lost));
  end if;
  return true;
end
$$;
