-- A protected image is in use by whoever protects it.
create or replace function novact_image_protected() returns trigger
language plpgsql as $$
begin
  perform novact_refuse('inUse');
  return old;
end
$$;

create or replace trigger image_protected before delete on image
  for each row when (old.protected) execute function novact_image_protected();
