-- The hard rules of server groups, after everything is written: where the members of a group are now, those
-- of this turn included. A member that leaves its host has none, and is still where its claim is: its guest
-- may run there until the host says that it is gone. Members are found by their host, and those that have
-- none among all others, at once: this is judged while all other commits wait.
create or replace function novact_commit_groups(turn jsonb) returns boolean
language plpgsql as $$
declare
  broken record;
begin
  if exists (
    select from jsonb_to_recordset(turn->'grouped') as r("instanceId" text, "hostId" text, "groupId" text)
      where not exists (select from server_group g where g.id = r."groupId")
  ) then
    raise exception using errcode = 'NV001', message = '{"kind":"missing"}';
  end if;
  select r."hostId", g.id into broken
    from rows from (jsonb_to_recordset(turn->'grouped') as ("instanceId" text, "hostId" text,
        "groupId" text)) with ordinality as r
      join server_group g on g.id = r."groupId"
    where case g.policy
      when 'anti-affinity' then coalesce(g.max_per_host, 1) <= (
        select count(*) from instance i where i.server_group_id = g.id and i.deleted_at_ms is null
          and i.host_id = r."hostId" and i.id <> r."instanceId")
        + (select count(distinct i.id) from instance i join claim c on c.instance_id = i.id
          where i.server_group_id = g.id and i.deleted_at_ms is null and i.host_id is null
            and c.host_id = r."hostId" and i.id <> r."instanceId")
      when 'affinity' then exists (
        select from instance i where i.server_group_id = g.id and i.deleted_at_ms is null
          and i.host_id <> r."hostId" and i.id <> r."instanceId")
        or exists (select from instance i join claim c on c.instance_id = i.id
          where i.server_group_id = g.id and i.deleted_at_ms is null and i.host_id is null
            and c.host_id <> r."hostId" and i.id <> r."instanceId")
      else false end
    order by r.ordinality limit 1;
  if found then
    raise exception using errcode = 'NV001', message = jsonb_build_object('kind', 'groupRule', 'hostId',
        broken."hostId", 'groupId', broken.id)::text;
  end if;
  return true;
end
$$;
