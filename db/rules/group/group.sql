-- The hard rules of server groups (decision 0008), after everything is written: where the members of a group
-- are now, those of this commit included.
--
-- A member that leaves its host has none, and is still where its claim is: its guest may run there until that
-- host says that it is gone. So no other member of an anti-affinity group comes there before. Members are
-- found by their host, and those that have none among all others: this is judged while all other commits
-- wait.
create or replace function novact_group(changes jsonb) returns boolean
language plpgsql as $$
declare
  broken record;
begin
  select r."hostId", g.id into broken
    from rows from (
        jsonb_to_recordset(changes->'grouped') as ("instanceId" text, "hostId" text, "groupId" text)
      ) with ordinality as r
      join server_group g on g.id = r."groupId"
    where case g.policy
      -- As many others as a host may have are there, or are leaving it.
      when 'anti-affinity' then coalesce(g.max_per_host, 1) <= (
        select count(*) from instance i
          where i.live_server_group_id = g.id and i.host_id = r."hostId" and i.id <> r."instanceId"
      ) + (
        select count(distinct i.id) from instance i join claim c on c.instance_id = i.id
          where i.live_server_group_id = g.id and i.host_id is null
            and c.host_id = r."hostId" and i.id <> r."instanceId"
      )
      -- One other is elsewhere, or is leaving another host.
      when 'affinity' then exists (
        select from instance i
          where i.live_server_group_id = g.id and i.host_id <> r."hostId" and i.id <> r."instanceId"
      ) or exists (
        select from instance i join claim c on c.instance_id = i.id
          where i.live_server_group_id = g.id and i.host_id is null
            and c.host_id <> r."hostId" and i.id <> r."instanceId"
      )
      else false end
    order by r.ordinality limit 1;
  if found then
    perform novact_refuse('groupRule',
      jsonb_build_object('hostId', broken."hostId", 'groupId', broken.id));
  end if;
  return true;
end
$$;
