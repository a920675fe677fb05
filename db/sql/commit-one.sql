-- Applies one commit; answers its result. Its events get the numbers after `newest`.
--
-- A commit arrives as db/postgres/commit-text.ts writes it: lists by name, fields named as in the records.
-- Each list is one statement, so that many commits merged into one cost little more than one: most of a small
-- statement is its start, CHECKs and indexes included. Functions are called by an assignment, which costs
-- less than PERFORM. db/memory/apply.ts does the same in memory, in the same order.
create or replace function novact_commit_one(changes jsonb, newest bigint, now_ms bigint) returns jsonb
language plpgsql as $$
declare
  known request;
  changed bigint;
  done boolean;
  zones_before jsonb;
begin
  -- A request that is known: nothing happens but that its answer is given again (I5).
  if changes ? 'requests' then
    insert into request (project, request_id, content_hash, answer, at_ms)
      select r.project, r."requestId", r."contentHash", r.answer::json, r."atMs"
        from jsonb_to_recordset(changes->'requests')
          as r(project text, "requestId" text, "contentHash" text, answer text, "atMs" bigint)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'requests') then
      select t.* into strict known from request t
        where t.project = changes->'requests'->0->>'project'
          and t.request_id = changes->'requests'->0->>'requestId';
      perform novact_refuse('duplicate', jsonb_build_object('request', jsonb_build_object(
        'project', known.project, 'requestId', known.request_id, 'contentHash', known.content_hash,
        'answer', known.answer::text, 'atMs', known.at_ms
      )));
    end if;
  end if;

  if changes ? 'usage' or changes ? 'deleting' then
    done := novact_quota(changes);
  end if;
  if changes ? 'created' or changes ? 'updated' then
    done := novact_commit_instances(changes);
  end if;
  if changes ?| array['aggregateHosts', 'aggregateHostsRemoved']
      or changes->'rowsChanged' @> '[{"table": "aggregate"}]' then
    zones_before := novact_zones_before(changes);
  end if;
  if changes ?| array['rowsRemoved', 'rowsLetGo', 'rowsMade', 'rowsChanged', 'rowsPatched'] then
    done := novact_commit_rows(changes);
  end if;
  if changes ?| array['extensionsRemoved', 'extensionsMade', 'extensionsChanged'] then
    done := novact_commit_extension_rows(changes);
  end if;
  if changes ? 'hostsExpected' then
    done := novact_host(changes);
  end if;
  if changes ? 'hostsEnabled' then
    done := novact_breaker(changes);
  end if;
  if changes ? 'hosts' or changes ? 'hostsEnabled' then
    done := novact_commit_hosts(changes, now_ms);
  end if;
  if changes ? 'buildsEnded' then
    done := novact_builds(changes);
  end if;
  if changes ?| array['aggregateHostsRemoved', 'aggregateHosts', 'quotas'] then
    done := novact_commit_placement(changes);
  end if;
  if zones_before is not null then
    done := novact_zone(zones_before);
  end if;
  if changes ?| array['leasesFenced', 'fencesExpected', 'leasesGranted'] then
    done := novact_lease(changes);
  end if;
  if changes ? 'hostsRemoved' then
    done := novact_removal(changes);
  end if;
  if changes ? 'zoned' then
    done := novact_zoned_claims(changes);
  end if;
  if changes ? 'claims' or changes ? 'claimsReleased' then
    done := novact_capacity(changes);
  end if;
  if changes ? 'grouped' then
    done := novact_group(changes);
  end if;
  if changes ?| array['machines', 'machinesGone', 'operations'] then
    done := novact_commit_progress(changes);
  end if;

  if not changes ? 'events' then
    return '{"kind":"committed","lastSequence":0}';
  end if;
  insert into event (sequence, at_ms, project, noun, id, event, request_id, operation_id, body)
    select newest + r.ordinality, r."atMs", r.project, r.noun, r.id, r.event, r."requestId", r."operationId",
        r.body
      from rows from (
        jsonb_to_recordset(changes->'events') as (
          "atMs" bigint, project text, noun text, id text, event text, "requestId" text, "operationId" text,
          body jsonb
        )
      ) with ordinality as r;
  get diagnostics changed = row_count;
  return jsonb_build_object('kind', 'committed', 'lastSequence', newest + changed);
end
$$;
