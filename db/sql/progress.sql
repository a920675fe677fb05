-- Refuses an update that would take a row back (I1), whoever writes it: the WHEN of each trigger says which.
create or replace function novact_progress() returns trigger
language plpgsql as $$
  begin
    raise exception 'row of table % would go back', tg_table_name
      using errcode = 'check_violation', constraint = tg_name;
  end
$$;

create or replace trigger instance_progress before update on instance for each row when (
  new.version <> old.version + 1 or new.generation < old.generation or new.owner_epoch < old.owner_epoch
  or (old.built and new.shape is distinct from old.shape)
) execute function novact_progress();

create or replace trigger machine_progress before update on machine for each row when (
  new.generation <= old.generation
) execute function novact_progress();

create or replace trigger operation_progress before update on operation for each row when (
  old.state <> 'running' and new.state <> old.state
) execute function novact_progress();

create or replace trigger event_head_progress before update on event_head for each row when (
  new.last_sequence < old.last_sequence or new.trimmed < old.trimmed
) execute function novact_progress();

create or replace trigger event_unchanged before update on event for each row
  execute function novact_progress();
