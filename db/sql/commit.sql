-- A batch of one writer process, in one transaction and one round trip (decision 0002). Answers one result
-- for each commit.
--
-- It locks the one row of event_head first, so that all commits of a cell happen one after the other: no
-- deadlock, no gap in the numbers of events, and every check sees what was committed before. Each commit runs
-- in a subtransaction of its own and succeeds or fails alone: what can be refused is refused by an exception
-- with the code NV001 and the result as its text, or by a constraint of a table; the result of an unexpected
-- error is "failed".
--
-- A controller that does not know a migration which is flagged as breaking gets nothing done any more. What
-- it knows it says once for each connection (db/postgres/connect.ts).
--
-- Batches are numbered by their writer. A number that is not above its last one was fenced off, or is done.
--
-- Rows that arrive are few and are looked up by key, however large or small the tables seem when a plan is
-- made: without the settings, plans that are made while the tables are nearly empty read all of them.
create or replace function novact_commit(writer text, batch_number bigint, now_ms bigint, commits jsonb)
returns jsonb
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  before bigint;
  newest bigint;
  result jsonb;
  results jsonb := '[]';
  broken text;
begin
  if exists (
    select from novact_breaking where name > coalesce(current_setting('novact.schema', true), '')
  ) then
    raise exception using errcode = 'NV002', message = 'this controller is older than the database';
  end if;
  select last_sequence into strict before from event_head for update;
  newest := before;
  for i in 0 .. jsonb_array_length(commits) - 1 loop
    begin
      result := novact_commit_one(commits->i, newest, now_ms);
    exception
      when sqlstate 'NV001' then
        result := sqlerrm::jsonb;
      when others then
        get stacked diagnostics broken = constraint_name;
        result := coalesce(
          novact_reference(commits->i, sqlstate, broken),
          jsonb_build_object('kind', 'failed', 'code', sqlstate, 'message', sqlerrm, 'constraint', broken)
        );
    end;
    newest := greatest(newest, (result->>'lastSequence')::bigint);
    results := results || result;
  end loop;
  if newest > before then
    update event_head set last_sequence = newest;
  end if;
  insert into commit_writer as t (id, batch, results, at_ms) values (writer, batch_number, results, now_ms)
    on conflict (id) do update set batch = excluded.batch, results = excluded.results,
        at_ms = excluded.at_ms
      where t.batch < excluded.batch;
  if not found then
    raise exception using errcode = 'NV000', message = 'the batch was given up by its writer';
  end if;
  return results;
end
$$;
