-- What novact_commit would answer to this one commit (decision 0035). All of it is done in a subtransaction
-- that an exception ends in any case, so that nothing of it stays; no batch is counted.
--
-- The lock is that of novact_commit, taken first as there: it sees every commit that was done before, and
-- meets none half-way.
create or replace function novact_rehearse(changes jsonb, now_ms bigint) returns jsonb
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  newest bigint;
  result jsonb;
  broken text;
begin
  select last_sequence into strict newest from event_head for update;
  begin
    result := novact_commit_one(changes, newest, now_ms);
    perform novact_refuse('possible');
  exception
    when sqlstate 'NV001' then
      result := sqlerrm::jsonb;
    when others then
      get stacked diagnostics broken = constraint_name;
      result := coalesce(
        novact_reference(changes, sqlstate, broken),
        jsonb_build_object('kind', 'failed', 'code', sqlstate, 'message', sqlerrm, 'constraint', broken)
      );
  end;
  return result;
end
$$;
