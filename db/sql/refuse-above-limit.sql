-- Ends a commit that leaves an owner with more rows of a resource than there may be: of ours
-- (commit-rows.sql) and of plug-ins (commit-extension-rows.sql). A limit below 0 is none, and one that is not
-- set is that of the project `*`, or the resource's own. `counted`: resource, project, most, asked. All
-- commits of a cell happen one after the other, so that a count of rows is a limit.
create or replace function novact_refuse_above_limit(counted jsonb, found_rows bigint) returns void
language plpgsql as $$
declare
  resource text := counted->>'resource';
  asked bigint := counted->>'asked';
  most bigint;
begin
  select coalesce(
      (select (limits->>resource)::bigint from quota where project = counted->>'project'),
      (select (limits->>resource)::bigint from quota where project = '*'),
      (counted->>'most')::bigint
    ) into most;
  if most >= 0 and found_rows > most then
    perform novact_refuse('quotaExceeded', jsonb_build_object(
      'resource', resource, 'limit', most, 'used', found_rows - asked, 'asked', asked
    ));
  end if;
end
$$;
