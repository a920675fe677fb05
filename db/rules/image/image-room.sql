-- How much the images of a project take, or have said to take: never more than its quota, or that of the
-- project `*`. A limit below 0 is none. The row is the claim, so its sum is the use; all commits of a cell
-- happen one after the other. Only what grows is refused: a quota that was lowered removes nothing.
create or replace function novact_image_room() returns trigger
language plpgsql as $$
declare
  most bigint;
  used bigint;
  asked bigint := new.size_bytes - case when tg_op = 'UPDATE' then coalesce(old.size_bytes, 0) else 0 end;
begin
  select coalesce(
      (select (limits->>'imageBytes')::bigint from quota where project = new.project),
      (select (limits->>'imageBytes')::bigint from quota where project = '*')
    ) into most;
  if most >= 0 then
    select sum(size_bytes) into used from image where project = new.project;
    if used > most then
      perform novact_refuse('quotaExceeded', jsonb_build_object(
        'resource', 'imageBytes', 'limit', most, 'used', used - asked, 'asked', asked
      ));
    end if;
  end if;
  return null;
end
$$;

create or replace trigger image_takes_room after insert on image for each row
  when (new.size_bytes > 0)
  execute function novact_image_room();

create or replace trigger image_changes_room after update on image for each row
  when (new.size_bytes > coalesce(old.size_bytes, 0))
  execute function novact_image_room();
