-- Ends a commit with this result; nothing of the commit happens (decision 0002). The text of the exception
-- is the result, and its code tells novact_commit that it is one.
create or replace function novact_refuse(kind text, details jsonb default '{}') returns void
language plpgsql as $$
begin
  raise exception using errcode = 'NV001', message = jsonb_build_object('kind', kind) || details;
end
$$;
