-- Applies one turn; answers its result. Its events get the numbers after `newest`.
--
-- A turn arrives as db/postgres/turn-text.ts writes it: its lists by name, fields named as in the records.
-- Each list is one statement, so that many turns merged into one cost little more than one: most of a small
-- statement is its start, CHECKs and indexes included. Functions are called by an assignment, which costs
-- less than PERFORM. db/memory/apply.ts does the same in memory, in the same order.
create or replace function novact_commit_turn(turn jsonb, newest bigint, now_ms bigint) returns jsonb
language plpgsql as $$
declare
  known request;
  changed bigint;
  done boolean;
begin
  -- A request that is known: nothing happens but that its answer is given again (I5).
  if turn ? 'requests' then
    insert into request (project, request_id, content_hash, answer, at_ms)
      select r.project, r."requestId", r."contentHash", r.answer::json, r."atMs"
        from jsonb_to_recordset(turn->'requests')
          as r(project text, "requestId" text, "contentHash" text, answer text, "atMs" bigint)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'requests') then
      select t.* into strict known from request t
        where t.project = turn->'requests'->0->>'project'
          and t.request_id = turn->'requests'->0->>'requestId';
      perform novact_refuse_turn('duplicate', jsonb_build_object('request', jsonb_build_object(
        'project', known.project, 'requestId', known.request_id, 'contentHash', known.content_hash,
        'answer', known.answer::text, 'atMs', known.at_ms
      )));
    end if;
  end if;

  if turn ? 'usage' or turn ? 'deleting' then
    done := novact_quota(turn);
  end if;
  if turn ? 'created' or turn ? 'updated' then
    done := novact_commit_instances(turn);
  end if;
  if turn ?| array['flavors', 'flavorsRemoved', 'images', 'imagesRemoved'] then
    done := novact_commit_catalog(turn);
  end if;
  if turn ? 'hostsEnabled' then
    done := novact_breaker(turn);
  end if;
  if turn ? 'hosts' or turn ? 'hostsEnabled' then
    done := novact_commit_hosts(turn, now_ms);
  end if;
  if turn ? 'buildsEnded' then
    done := novact_builds(turn);
  end if;
  if turn ?| array['aggregatesRemoved', 'aggregates', 'aggregatesChanged', 'aggregateHostsRemoved',
      'aggregateHosts', 'serverGroupsRemoved', 'serverGroups', 'quotas'] then
    done := novact_commit_placement(turn);
  end if;
  if turn ?| array['leasesFenced', 'fencesExpected', 'leasesGranted'] then
    done := novact_lease(turn);
  end if;
  if turn ? 'hostsRemoved' then
    done := novact_removal(turn);
  end if;
  if turn ? 'claims' or turn ? 'claimsReleased' then
    done := novact_capacity(turn);
  end if;
  if turn ? 'grouped' then
    done := novact_group(turn);
  end if;
  if turn ?| array['machines', 'machinesGone', 'operations'] then
    done := novact_commit_progress(turn);
  end if;

  if not turn ? 'events' then
    return '{"kind":"committed","lastSequence":0}';
  end if;
  insert into event (sequence, at_ms, project, noun, id, event, request_id, operation_id, body)
    select newest + r.ordinality, r."atMs", r.project, r.noun, r.id, r.event, r."requestId", r."operationId",
        r.body
      from rows from (
        jsonb_to_recordset(turn->'events') as (
          "atMs" bigint, project text, noun text, id text, event text, "requestId" text, "operationId" text,
          body jsonb
        )
      ) with ordinality as r;
  get diagnostics changed = row_count;
  return jsonb_build_object('kind', 'committed', 'lastSequence', newest + changed);
end
$$;
