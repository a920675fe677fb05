-- Ends a turn with this result; nothing of the turn happens (decision 0002). The text of the exception is the
-- result, and its code tells novact_commit that it is one.
create or replace function novact_refuse_turn(kind text, details jsonb default '{}') returns void
language plpgsql as $$
begin
  raise exception using errcode = 'NV001', message = jsonb_build_object('kind', kind) || details;
end
$$;
