-- Refuses the commit when one of these hosts is not there: the first, in the order of the list.
create or replace function novact_need_hosts(list jsonb) returns boolean
language plpgsql as $$
declare
  lost text;
begin
  select r.one->>'hostId' into lost
    from jsonb_array_elements(list) with ordinality as r(one)
    where not exists (select from host h where h.id = r.one->>'hostId')
    order by r.ordinality limit 1;
  if found then
    perform novact_refuse('missing', jsonb_build_object('noun', 'host', 'id', lost));
  end if;
  return true;
end
$$;
