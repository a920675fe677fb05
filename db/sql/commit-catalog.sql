-- Flavors and images: made and removed, never changed.
create or replace function novact_commit_catalog(turn jsonb) returns boolean
language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'flavorsRemoved' then
    delete from flavor where id = any (array(select jsonb_array_elements_text(turn->'flavorsRemoved')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'flavorsRemoved') then
      raise exception using errcode = 'NV001', message = '{"kind":"missing"}';
    end if;
  end if;
  if turn ? 'imagesRemoved' then
    delete from image where id = any (array(select jsonb_array_elements_text(turn->'imagesRemoved')));
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'imagesRemoved') then
      raise exception using errcode = 'NV001', message = '{"kind":"missing"}';
    end if;
  end if;
  if turn ? 'imagesRemoved' and exists (
    select from instance
      where image->>'id' = any (array(select jsonb_array_elements_text(turn->'imagesRemoved')))
        and deleted_at_ms is null
  ) then
    raise exception using errcode = 'NV001', message = '{"kind":"inUse"}';
  end if;
  if turn ? 'flavors' then
    insert into flavor (id, name, vcpus, memory_mib, disk_gib, created_at_ms, extra_specs)
      select r.id, r.name, r.vcpus, r."memoryMib", r."diskGib", r."createdAtMs",
          coalesce(r."extraSpecs", '{}') from jsonb_to_recordset(turn->'flavors') as r(id text,
          "name" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "createdAtMs" bigint,
          "extraSpecs" jsonb)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'flavors') then
      raise exception using errcode = 'NV001', message = '{"kind":"nameTaken"}';
    end if;
  end if;
  if turn ? 'images' then
    insert into image (id, name, disk, kernel, ramdisk, command_line, properties, created_at_ms)
      select r.id, r.name, r.disk, r.kernel, r.ramdisk, r."commandLine", r.properties,
          r."createdAtMs" from jsonb_to_recordset(turn->'images') as r(id text, name text,
          "disk" jsonb, kernel jsonb, ramdisk jsonb, "commandLine" text, properties jsonb,
          "createdAtMs" bigint)
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'images') then
      raise exception using errcode = 'NV001', message = '{"kind":"nameTaken"}';
    end if;
  end if;
  return true;
end
$$;
