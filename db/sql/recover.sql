-- What became of a batch whose answer was lost: its results, or null, and then it will never be applied.
create or replace function novact_recover(writer text, batch_number bigint, now_ms bigint) returns jsonb
language plpgsql as $$
declare
  known commit_writer;
begin
  perform from event_head for update;
  select * into known from commit_writer where id = writer;
  if known.batch = batch_number then
    return known.results;
  end if;
  insert into commit_writer as t (id, batch, results, at_ms) values (writer, batch_number, null, now_ms)
    on conflict (id) do update set batch = excluded.batch, results = null, at_ms = excluded.at_ms;
  return null;
end
$$;
