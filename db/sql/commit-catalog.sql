-- Flavors and images: made and removed, never changed. A name that is taken is refused by the table's own
-- constraint, and so is the removal of an image while an instance that is not deleted uses it. A flavor is
-- copied into its instances, and may go before them.
create or replace function novact_commit_catalog(changes jsonb) returns boolean
language plpgsql as $$
declare
  done boolean;
begin
  if changes ? 'flavorsRemoved' then
    done := novact_remove_named('flavor', 'flavor', changes->'flavorsRemoved');
  end if;
  if changes ? 'imagesRemoved' then
    done := novact_remove_named('image', 'image', changes->'imagesRemoved');
  end if;

  if changes ? 'flavors' then
    insert into flavor (id, name, vcpus, memory_mib, disk_gib, extra_specs, created_at_ms)
      select r.id, r.name, r.vcpus, r."memoryMib", r."diskGib", r."extraSpecs", r."createdAtMs"
        from jsonb_to_recordset(changes->'flavors') as r(
          id text, name text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "extraSpecs" jsonb,
          "createdAtMs" bigint
        );
  end if;

  if changes ? 'images' then
    insert into image (id, name, disk, kernel, ramdisk, command_line, properties, created_at_ms)
      select r.id, r.name, r.disk, r.kernel, r.ramdisk, r."commandLine", r.properties, r."createdAtMs"
        from jsonb_to_recordset(changes->'images') as r(
          id text, name text, disk jsonb, kernel jsonb, ramdisk jsonb, "commandLine" text, properties jsonb,
          "createdAtMs" bigint
        );
  end if;
  return true;
end
$$;
