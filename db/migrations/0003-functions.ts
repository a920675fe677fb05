/**
 * The functions of 0002 as migration 0003 makes them anew: instances, flavors and hosts with their new
 * fields, and the order of a turn's steps. A part of that migration: released, it is never edited.
 */
import { record, refuse, shape } from "./shapes.ts";

const instance = record(
  shape(
    "id text, project text, name text, version bigint, generation bigint, desired text, stop jsonb, " +
      "resetCount bigint, resetMode text, startCount bigint, built boolean, state text, settled boolean, " +
      "flavor jsonb, image jsonb, metadata jsonb, macAddress text, hostId text, epoch bigint, attempt bigint, " +
      "excludedHosts jsonb, operationId text, failure jsonb, createdAtMs bigint, updatedAtMs bigint, " +
      "deletedAtMs bigint, serverGroupId text, availabilityZone text, hints jsonb",
  ),
);
const flavor = record(
  shape(
    "id text, name text, vcpus bigint, memoryMib bigint, diskGib bigint, createdAtMs bigint, extraSpecs jsonb",
  ),
);
const image = record(
  shape(
    "id text, name text, disk jsonb, kernel jsonb, ramdisk jsonb, commandLine text, properties jsonb, " +
      "createdAtMs bigint",
  ),
);
const inventory = record(
  shape(
    "name text, bootId text, architecture text, hypervisor text, accelerator text, acceleratorReason text, " +
      "hypervisorVersion text, vcpus bigint, memoryMib bigint, diskGib bigint, storageId text, labels jsonb, " +
      "features jsonb, machineTypes jsonb, numa jsonb",
  ),
);
const event = record(
  shape(
    "atMs bigint, project text, noun text, id text, event text, requestId text, operationId text, body jsonb",
  ),
);

export const instances = `create or replace function novact_commit_instances(turn jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'created' then
    insert into instance (${instance.columns})
      select ${instance.values} from jsonb_to_recordset(turn->'created') as r(${instance.definition})
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'created') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  if turn ? 'updated' then
    update instance t set ${instance.assignments}
      from jsonb_to_recordset(turn->'updated') as r(${instance.definition})
      where t.id = r.id and t.version = r.version - 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'updated') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  return true;
end $$`;

const insertNamed = (name: string, table: string, parts: ReturnType<typeof record>) => `
  if turn ? '${name}' then
    insert into ${table} (${parts.columns})
      select ${parts.values} from jsonb_to_recordset(turn->'${name}') as r(${parts.definition})
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'${name}') then
      ${refuse(`'{"kind":"nameTaken"}'`)};
    end if;
  end if;`;

const removeNamed = (name: string, table: string) => `
  if turn ? '${name}' then
    delete from ${table} where id = any (array(select jsonb_array_elements_text(turn->'${name}')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'${name}') then
      ${refuse(`'{"kind":"missing"}'`)};
    end if;
  end if;`;

/** What a turn of an older controller does not say is empty. */
const flavorValues = flavor.values.replace('r."extraSpecs"', `coalesce(r."extraSpecs", '{}')`);

export const catalog = `create or replace function novact_commit_catalog(turn jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  ${removeNamed("flavorsRemoved", "flavor")}
  ${removeNamed("imagesRemoved", "image")}
  if turn ? 'imagesRemoved' and exists (
    select from instance
      where image->>'id' = any (array(select jsonb_array_elements_text(turn->'imagesRemoved')))
        and deleted_at_ms is null
  ) then
    ${refuse(`'{"kind":"inUse"}'`)};
  end if;
  ${insertNamed("flavors", "flavor", { ...flavor, values: flavorValues })}
  ${insertNamed("images", "image", image)}
  return true;
end $$`;

/** What an older agent does not say is empty. */
const inventoryValues = inventory.values
  .replace('r."labels"', `coalesce(r.labels, '{}')`)
  .replace(/r\."(features|machineTypes|numa)"/g, `coalesce(r."$1", '[]')`);

export const hosts = `create or replace function novact_commit_hosts(turn jsonb, now_ms bigint) returns boolean
language plpgsql as $$
declare
  changed bigint;
  too_small text;
begin
  if turn ? 'hosts' then
    select h.id into too_small
      from rows from (jsonb_to_recordset(turn->'hosts') as ("hostId" text, ${inventory.definition}))
        with ordinality as r, host h
      where h.id = r."hostId"
        and (h.vcpus_claimed > r.vcpus or h.memory_mib_claimed > r."memoryMib" or h.disk_gib_claimed > r."diskGib")
      order by r.ordinality limit 1;
    if found then
      ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', too_small)::text`)};
    end if;
    insert into host as t (id, ${inventory.columns}, vcpus_claimed, memory_mib_claimed, disk_gib_claimed,
        instances, enabled, registered_at_ms, failed_builds, generation)
      select r."hostId", ${inventoryValues}, 0, 0, 0, 0, true, now_ms, 0, 1
      from jsonb_to_recordset(turn->'hosts') as r("hostId" text, ${inventory.definition})
      on conflict (id) do update set ${inventory.excluded},
        generation = t.generation + case when ${inventory.differs} then 1 else 0 end;
    insert into host_seen as t (host_id, last_seen_at_ms)
      select r."hostId", now_ms from jsonb_to_recordset(turn->'hosts') as r("hostId" text)
      on conflict (host_id) do update set last_seen_at_ms = greatest(t.last_seen_at_ms, excluded.last_seen_at_ms);
  end if;
  if turn ? 'hostsEnabled' then
    update host t set enabled = r.enabled, disabled_reason = r.reason,
        failed_builds = case when r.enabled then 0 else t.failed_builds end
      from jsonb_to_recordset(turn->'hostsEnabled')
        as r("hostId" text, enabled boolean, reason text, "failedBuildsMin" bigint)
      where t.id = r."hostId"
        and (r."failedBuildsMin" is null or (t.enabled and t.failed_builds >= r."failedBuildsMin"));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'hostsEnabled') then
      if exists (
        select from jsonb_to_recordset(turn->'hostsEnabled') as r("hostId" text)
          where not exists (select from host h where h.id = r."hostId")
      ) then
        ${refuse(`'{"kind":"missing"}'`)};
      end if;
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  return true;
end $$`;

/** Answers the turn's result; events get the numbers after `newest`. */
export const turn = `create or replace function novact_commit_turn(turn jsonb, newest bigint, now_ms bigint) returns jsonb
language plpgsql as $$
declare
  known request;
  changed bigint;
  done boolean;
begin
  if turn ? 'requests' then
    insert into request (project, request_id, content_hash, answer, at_ms)
      select r.project, r."requestId", r."contentHash", r.answer::json, r."atMs"
        from jsonb_to_recordset(turn->'requests')
          as r(project text, "requestId" text, "contentHash" text, answer text, "atMs" bigint)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'requests') then
      select t.* into strict known from request t
        where t.project = turn->'requests'->0->>'project' and t.request_id = turn->'requests'->0->>'requestId';
      ${refuse(`jsonb_build_object('kind', 'duplicate', 'request', jsonb_build_object(
        'project', known.project, 'requestId', known.request_id, 'contentHash', known.content_hash,
        'answer', known.answer::text, 'atMs', known.at_ms))::text`)};
    end if;
  end if;
  if turn ? 'usage' or turn ? 'deleting' then
    done := novact_commit_use(turn);
  end if;
  if turn ? 'created' or turn ? 'updated' then
    done := novact_commit_instances(turn);
  end if;
  if turn ?| array['flavors', 'flavorsRemoved', 'images', 'imagesRemoved'] then
    done := novact_commit_catalog(turn);
  end if;
  if turn ? 'hosts' or turn ? 'hostsEnabled' then
    done := novact_commit_hosts(turn, now_ms);
  end if;
  if turn ? 'buildsEnded' then
    done := novact_commit_builds(turn);
  end if;
  if turn ?| array['aggregatesRemoved', 'aggregates', 'aggregatesChanged', 'aggregateHostsRemoved', 'aggregateHosts',
      'serverGroupsRemoved', 'serverGroups', 'quotas'] then
    done := novact_commit_placement(turn);
  end if;
  if turn ?| array['leasesFenced', 'fencesExpected', 'leasesGranted'] then
    done := novact_commit_leases(turn, now_ms);
  end if;
  if turn ? 'claims' or turn ? 'claimsReleased' then
    done := novact_commit_claims(turn);
  end if;
  if turn ? 'grouped' then
    done := novact_commit_groups(turn);
  end if;
  if turn ?| array['machines', 'machinesGone', 'operations'] then
    done := novact_commit_progress(turn);
  end if;
  if not turn ? 'events' then
    return '{"kind":"committed","lastSequence":0}';
  end if;
  insert into event (sequence, ${event.columns})
    select newest + r.ordinality, ${event.values}
      from rows from (jsonb_to_recordset(turn->'events') as (${event.definition})) with ordinality as r;
  get diagnostics changed = row_count;
  return jsonb_build_object('kind', 'committed', 'lastSequence', newest + changed);
end $$`;
