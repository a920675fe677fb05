-- Machines, what hosts were seen doing, and operations. An observation replaces only an older one of the same
-- owner epoch; any other is passed over. A new operation takes a number, and keeps it. Whoever ends an
-- operation first has ended it: two that look in one moment do not both tell so.
create or replace function novact_commit_progress(changes jsonb) returns boolean
language plpgsql as $$
declare
  written bigint;
begin
  if changes ? 'machinesGone' then
    delete from machine t using jsonb_to_recordset(changes->'machinesGone')
        as r("instanceId" text, "ownerEpoch" bigint)
      where t.instance_id = r."instanceId" and t.owner_epoch = r."ownerEpoch";
  end if;

  if changes ? 'machines' then
    insert into machine as t (
        instance_id, owner_epoch, host_id, generation, intent_generation, reset_count,
        state, reason, message, address, started_at_ms, at_ms
      )
      select
          r."instanceId", r."ownerEpoch", r."hostId", r.generation, r."intentGeneration", r."resetCount",
          r.state, r.reason, r.message, r.address, r."startedAtMs", r."atMs"
        from jsonb_to_recordset(changes->'machines') as r(
          "instanceId" text, "ownerEpoch" bigint, "hostId" text, generation bigint, "intentGeneration" bigint,
          "resetCount" bigint, state text, reason text, message text, address text, "startedAtMs" bigint,
          "atMs" bigint
        )
      on conflict (instance_id, owner_epoch) do update set
          host_id = excluded.host_id, generation = excluded.generation,
          intent_generation = excluded.intent_generation, reset_count = excluded.reset_count,
          state = excluded.state, reason = excluded.reason, message = excluded.message,
          address = excluded.address, started_at_ms = excluded.started_at_ms, at_ms = excluded.at_ms
        where t.generation < excluded.generation;
  end if;

  if changes ? 'operations' then
    insert into operation as t (
        id, number, project, noun, instance_id, to_host, kind, state, percent, step, steps, request_id,
        started_at_ms, deadline_at_ms, ended_at_ms, error
      )
      select
          -- A controller of the version before knows instances only.
          r.id, coalesce((select o.number from operation o where o.id = r.id), nextval('operation_number')),
          r.project, coalesce(r.noun, 'instance'), coalesce(r."entityId", r."instanceId"),
          nullif(r."toHost", 'null'), r.kind, r.state, r.percent, r.step, r.steps, r."requestId",
          r."startedAtMs", r."deadlineAtMs", r."endedAtMs", r.error
        from jsonb_to_recordset(changes->'operations') as r(
          id text, project text, noun text, "entityId" text, "instanceId" text, "toHost" jsonb,
          kind text, state text, percent bigint, step text,
          steps jsonb, "requestId" text, "startedAtMs" bigint, "deadlineAtMs" bigint, "endedAtMs" bigint,
          error jsonb
        )
      on conflict (id) do update set
          project = excluded.project, noun = excluded.noun, instance_id = excluded.instance_id,
          to_host = excluded.to_host, kind = excluded.kind,
          state = excluded.state, percent = excluded.percent, step = excluded.step, steps = excluded.steps,
          request_id = excluded.request_id, started_at_ms = excluded.started_at_ms,
          deadline_at_ms = excluded.deadline_at_ms, ended_at_ms = excluded.ended_at_ms,
          error = excluded.error
        where t.state = 'running';
    get diagnostics written = row_count;
    if written <> jsonb_array_length(changes->'operations') then
      perform novact_refuse('conflict');
    end if;
  end if;
  return true;
end
$$;
