-- Instances, each guarded by its version (I1).
create or replace function novact_commit_instances(turn jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'created' then
    insert into instance (id, project, name, version, generation, desired, stop, reset_count, reset_mode,
        start_count, built, state, settled, flavor, image, metadata, mac_address, host_id, epoch, attempt,
        excluded_hosts, operation_id, failure, created_at_ms, updated_at_ms, deleted_at_ms,
        server_group_id, availability_zone, hints, recovery, storage_id, movable)
      select r.id, r.project, r.name, r.version, r.generation, r.desired, r.stop,
          r."resetCount", r."resetMode", r."startCount", r.built, r.state, r.settled, r.flavor,
          r.image, r.metadata, r."macAddress", r."hostId", r.epoch, r.attempt, r."excludedHosts",
          r."operationId", r.failure, r."createdAtMs", r."updatedAtMs", r."deletedAtMs",
          r."serverGroupId", r."availabilityZone", r.hints, coalesce(r.recovery,
          '{"policy":"restart","priority":0}'), r."storageId", coalesce(r.movable,
          false) from jsonb_to_recordset(turn->'created') as r(id text, project text, name text,
          "version" bigint, generation bigint, desired text, stop jsonb, "resetCount" bigint,
          "resetMode" text, "startCount" bigint, built boolean, state text, settled boolean,
          "flavor" jsonb, image jsonb, metadata jsonb, "macAddress" text, "hostId" text,
          "epoch" bigint, attempt bigint, "excludedHosts" jsonb, "operationId" text, failure jsonb,
          "createdAtMs" bigint, "updatedAtMs" bigint, "deletedAtMs" bigint, "serverGroupId" text,
          "availabilityZone" text, hints jsonb, recovery jsonb, "storageId" text, movable boolean)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'created') then
      raise exception using errcode = 'NV001', message = '{"kind":"conflict"}';
    end if;
  end if;
  if turn ? 'updated' then
    update instance t set id = r.id, project = r.project, name = r.name, version = r.version,
        generation = r.generation, desired = r.desired, stop = r.stop, reset_count = r."resetCount",
        reset_mode = r."resetMode", start_count = r."startCount", built = r.built, state = r.state,
        settled = r.settled, flavor = r.flavor, image = r.image, metadata = r.metadata,
        mac_address = r."macAddress", host_id = r."hostId", epoch = r.epoch, attempt = r.attempt,
        excluded_hosts = r."excludedHosts", operation_id = r."operationId", failure = r.failure,
        created_at_ms = r."createdAtMs", updated_at_ms = r."updatedAtMs", deleted_at_ms = r."deletedAtMs",
        server_group_id = case when r.movable is null then t.server_group_id else r."serverGroupId" end,
        availability_zone = case when r.movable is null then t.availability_zone else r."availabilityZone"
        end, hints = case when r.movable is null then t.hints else r.hints end,
        recovery = coalesce(r.recovery, t.recovery),
        storage_id = case when r.movable is null then t.storage_id else r."storageId" end,
        movable = coalesce(r.movable, t.movable)
      from jsonb_to_recordset(turn->'updated') as r(id text, project text, name text,
          "version" bigint, generation bigint, desired text, stop jsonb, "resetCount" bigint,
          "resetMode" text, "startCount" bigint, built boolean, state text, settled boolean,
          "flavor" jsonb, image jsonb, metadata jsonb, "macAddress" text, "hostId" text,
          "epoch" bigint, attempt bigint, "excludedHosts" jsonb, "operationId" text, failure jsonb,
          "createdAtMs" bigint, "updatedAtMs" bigint, "deletedAtMs" bigint, "serverGroupId" text,
          "availabilityZone" text, hints jsonb, recovery jsonb, "storageId" text, movable boolean)
      where t.id = r.id and t.version = r.version - 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'updated') then
      raise exception using errcode = 'NV001', message = '{"kind":"conflict"}';
    end if;
  end if;
  return true;
end
$$;
