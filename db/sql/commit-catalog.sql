-- Flavors and images: made and removed, never changed. Names are unique.
create or replace function novact_commit_catalog(turn jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'flavorsRemoved' then
    delete from flavor where id = any (array(select jsonb_array_elements_text(turn->'flavorsRemoved')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'flavorsRemoved') then
      perform novact_refuse_turn('missing');
    end if;
  end if;

  -- An image is used by its instances until they are deleted; a flavor is copied into them.
  if turn ? 'imagesRemoved' then
    delete from image where id = any (array(select jsonb_array_elements_text(turn->'imagesRemoved')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'imagesRemoved') then
      perform novact_refuse_turn('missing');
    end if;
    if exists (
      select from instance
        where image->>'id' = any (array(select jsonb_array_elements_text(turn->'imagesRemoved')))
          and deleted_at_ms is null
    ) then
      perform novact_refuse_turn('inUse');
    end if;
  end if;

  if turn ? 'flavors' then
    insert into flavor (id, name, vcpus, memory_mib, disk_gib, extra_specs, created_at_ms)
      select r.id, r.name, r.vcpus, r."memoryMib", r."diskGib", coalesce(r."extraSpecs", '{}'),
          r."createdAtMs"
        from jsonb_to_recordset(turn->'flavors') as r(
          id text, name text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "extraSpecs" jsonb,
          "createdAtMs" bigint
        )
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'flavors') then
      perform novact_refuse_turn('nameTaken');
    end if;
  end if;

  if turn ? 'images' then
    insert into image (id, name, disk, kernel, ramdisk, command_line, properties, created_at_ms)
      select r.id, r.name, r.disk, r.kernel, r.ramdisk, r."commandLine", r.properties, r."createdAtMs"
        from jsonb_to_recordset(turn->'images') as r(
          id text, name text, disk jsonb, kernel jsonb, ramdisk jsonb, "commandLine" text, properties jsonb,
          "createdAtMs" bigint
        )
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'images') then
      perform novact_refuse_turn('nameTaken');
    end if;
  end if;
  return true;
end
$$;
