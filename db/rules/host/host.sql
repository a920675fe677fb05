-- Hosts that must be at the version that their actor knows (decision 0031): the first of two commits of one
-- host at one version raises it, the second one is refused. Before the hosts are changed.
create or replace function novact_host(changes jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
begin
  update host t set version = t.version + 1
    from jsonb_to_recordset(changes->'hostsExpected') as r("hostId" text, version bigint)
    where t.id = r."hostId" and t.version = r.version;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(changes->'hostsExpected') then
    perform novact_refuse('conflict');
  end if;
  return true;
end
$$;
