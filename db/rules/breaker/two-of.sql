-- The first two, in order, of what is known and what is new, without what is null.
create or replace function novact_two_of(known jsonb, fresh text[]) returns jsonb
language sql immutable as $$
  select coalesce(jsonb_agg(one order by one collate "C"), '[]') from (
    select one from (
      select jsonb_array_elements_text(coalesce(known, '[]'))
      union
      select unnest(fresh)
    ) as every (one)
      where one is not null order by one collate "C" limit 2
  ) two
$$;
