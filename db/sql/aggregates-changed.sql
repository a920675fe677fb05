-- A number that is raised with every change of aggregates and of their hosts, by whatever statement. Who
-- reads all hosts again and again sees by it whether what it knows of their aggregates is still so. A row
-- and not a sequence: it is raised and seen with the change itself, neither before nor after.
create or replace function novact_aggregates_changed() returns trigger
language plpgsql as $$
  begin
    update aggregate_change set number = number + 1;
    return null;
  end
$$;

create or replace trigger aggregate_change after insert or update or delete on aggregate
  for each statement execute function novact_aggregates_changed();

create or replace trigger aggregate_host_change after insert or update or delete on aggregate_host
  for each statement execute function novact_aggregates_changed();
