-- Instances, each guarded by its version (I1): a new one must not exist, a changed one must be at the version
-- before. Both lists have all fields of the record. What a guest is told beside these comes with a new
-- instance, stays as it is, and goes when the instance is deleted. The image and the server group of one that
-- is not deleted must be there, whoever removes them at the same time: the table refers to them.
create or replace function novact_commit_instances(changes jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
  lost text;
  done boolean;
begin
  if changes ? 'created' then
    insert into instance (
        id, project, name, version, generation, state, settled,
        desired, stop, reset_count, reset_mode, start_count, built,
        flavor, image, metadata, mac_address, recovery, storage_id, movable,
        host_id, owner_epoch, attempt, excluded_hosts, server_group_id, availability_zone, hints,
        operation_id, failure, created_at_ms, updated_at_ms, deleted_at_ms, description, lock,
        guest, guest_data, shape, interfaces, volumes
      )
      select
          r.id, r.project, r.name, r.version, r.generation, r.state, r.settled,
          r.desired, r.stop, r."resetCount", r."resetMode", r."startCount", r.built,
          r.flavor, r.image, r.metadata, r."macAddress", r.recovery, r."storageId", r.movable,
          r."hostId", r."ownerEpoch", r.attempt, r."excludedHosts",
          r."serverGroupId", r."availabilityZone", r.hints,
          r."operationId", r.failure, r."createdAtMs", r."updatedAtMs", r."deletedAtMs", r.description,
          r.lock, r.guest, r."guestData", r.shape, r.interfaces, r.volumes
        from jsonb_to_recordset(changes->'created') as r(
          id text, project text, name text, version bigint, generation bigint, state text, settled boolean,
          desired text, stop jsonb, "resetCount" bigint, "resetMode" text, "startCount" bigint, built boolean,
          flavor jsonb, image jsonb, metadata jsonb, "macAddress" text, recovery jsonb, "storageId" text,
          movable boolean, "hostId" text, "ownerEpoch" bigint, attempt bigint, "excludedHosts" jsonb,
          "serverGroupId" text, "availabilityZone" text, hints jsonb, "operationId" text, failure jsonb,
          "createdAtMs" bigint, "updatedAtMs" bigint, "deletedAtMs" bigint, description text, lock jsonb,
          guest jsonb, "guestData" jsonb, shape jsonb, interfaces jsonb, volumes jsonb
        )
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'created') then
      perform novact_refuse('conflict');
    end if;

    -- A flavor is held only until its instances are made.
    with held as (
      select f.id from flavor f
        where f.id in (select r.flavor->>'id' from jsonb_to_recordset(changes->'created') as r(flavor jsonb))
        order by f.id for key share
    )
    select r.flavor->>'id' into lost
      from rows from (jsonb_to_recordset(changes->'created') as (flavor jsonb)) with ordinality as r
      where r.flavor->>'id' not in (select id from held)
      order by r.ordinality limit 1;
    if found then
      perform novact_refuse('missing', jsonb_build_object('noun', 'flavor', 'id', lost));
    end if;
    done := novact_image(changes->'created');
  end if;

  if changes ? 'updated' then
    update instance t set
        project = r.project, name = r.name, version = r.version, generation = r.generation,
        state = r.state, settled = r.settled, desired = r.desired, stop = r.stop,
        reset_count = r."resetCount", reset_mode = r."resetMode",
        start_count = r."startCount", built = r.built,
        flavor = r.flavor, image = r.image, metadata = r.metadata, mac_address = r."macAddress",
        recovery = r.recovery, storage_id = r."storageId", movable = r.movable,
        host_id = r."hostId", owner_epoch = r."ownerEpoch",
        attempt = r.attempt, excluded_hosts = r."excludedHosts",
        server_group_id = r."serverGroupId", availability_zone = r."availabilityZone", hints = r.hints,
        operation_id = r."operationId", failure = r.failure,
        created_at_ms = r."createdAtMs", updated_at_ms = r."updatedAtMs", deleted_at_ms = r."deletedAtMs",
        description = r.description, lock = r.lock, guest = r.guest, shape = r.shape,
        interfaces = r.interfaces, volumes = r.volumes,
        guest_data = case when r."deletedAtMs" is null then t.guest_data end
      from jsonb_to_recordset(changes->'updated') as r(
        id text, project text, name text, version bigint, generation bigint, state text, settled boolean,
        desired text, stop jsonb, "resetCount" bigint, "resetMode" text, "startCount" bigint, built boolean,
        flavor jsonb, image jsonb, metadata jsonb, "macAddress" text, recovery jsonb, "storageId" text,
        movable boolean, "hostId" text, "ownerEpoch" bigint, attempt bigint, "excludedHosts" jsonb,
        "serverGroupId" text, "availabilityZone" text, hints jsonb, "operationId" text, failure jsonb,
        "createdAtMs" bigint, "updatedAtMs" bigint, "deletedAtMs" bigint, description text, lock jsonb,
        guest jsonb, shape jsonb, interfaces jsonb, volumes jsonb
      )
      where t.id = r.id and t.version = r.version - 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(changes->'updated') then
      perform novact_refuse('conflict');
    end if;
  end if;
  return true;
end
$$;
