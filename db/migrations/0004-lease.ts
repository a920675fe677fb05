/**
 * Leases of hosts, and what rests on them: which instances may start elsewhere, under which lease a claim was
 * made, and that no claim is made on a host that does not hold it. Renewals are counted in a table of their
 * own, beside the commits; grants and fences are commits.
 */
import { Migration } from "@mikro-orm/migrations";
import { record, refuse, shape } from "./shapes.ts";

const instance = record(
  shape(
    "id text, project text, name text, version bigint, generation bigint, desired text, stop jsonb, " +
      "resetCount bigint, resetMode text, startCount bigint, built boolean, state text, settled boolean, " +
      "flavor jsonb, image jsonb, metadata jsonb, macAddress text, hostId text, epoch bigint, attempt bigint, " +
      "excludedHosts jsonb, operationId text, failure jsonb, createdAtMs bigint, updatedAtMs bigint, " +
      "deletedAtMs bigint, serverGroupId text, availabilityZone text, hints jsonb, " +
      "recovery jsonb, storageId text, movable boolean",
  ),
);
/** What a turn of an older controller does not say: its guests are moved by nobody. */
const values = instance.values
  .replace('r."recovery"', `coalesce(r.recovery, '{"policy":"restart","priority":0}')`)
  .replace('r."movable"', "coalesce(r.movable, false)");
/** An older controller says nothing of these, and must not wipe them. */
const kept = ["storageId", "serverGroupId", "availabilityZone", "hints"];
const assignments = instance.assignments
  .replace('= r."recovery"', "= coalesce(r.recovery, t.recovery)")
  .replace('= r."movable"', "= coalesce(r.movable, t.movable)")
  .replace(/([a-z_]+) = r\."([A-Za-z]+)"/g, (whole, column: string, field: string) =>
    kept.includes(field)
      ? `${column} = case when r.movable is null then t.${column} else r."${field}" end`
      : whole,
  );
const key = `"instanceId" text, epoch bigint`;
const claimDefinition = `${key}, "hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, "leaseEpoch" bigint`;

/** What claims take of each host, all in all. */
const sums = (rows: string) => `
      select "hostId", sum(vcpus)::bigint as vcpus, sum("memoryMib")::bigint as memory,
          sum("diskGib")::bigint as disk, count(*) as claims
        from (select ${rows}) c group by "hostId"`;

const instances = `create or replace function novact_commit_instances(turn jsonb) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'created' then
    insert into instance (${instance.columns})
      select ${values} from jsonb_to_recordset(turn->'created') as r(${instance.definition})
      on conflict do nothing;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'created') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  if turn ? 'updated' then
    update instance t set ${assignments}
      from jsonb_to_recordset(turn->'updated') as r(${instance.definition})
      where t.id = r.id and t.version = r.version - 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'updated') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  return true;
end $$`;

/** After the hosts, which may be new, and before the claims on them. */
const leases = `create function novact_commit_leases(turn jsonb, now_ms bigint) returns boolean language plpgsql as $$
declare
  changed bigint;
begin
  if turn ? 'leasesGranted' then
    if exists (
      select from jsonb_to_recordset(turn->'leasesGranted') as r("hostId" text)
        where not exists (select from host h where h.id = r."hostId")
    ) then
      ${refuse(`'{"kind":"missing"}'`)};
    end if;
    insert into host_lease as t (host_id, epoch, renewals, fenced_by)
      select r."hostId", r.epoch, 1, null from jsonb_to_recordset(turn->'leasesGranted') as r("hostId" text, epoch bigint)
        where r.epoch = 1 or exists (select from host_lease l where l.host_id = r."hostId")
      on conflict (host_id) do update set epoch = excluded.epoch, renewals = t.renewals + 1, fenced_by = null
        where t.fenced_by is not null and excluded.epoch = t.epoch + 1;
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'leasesGranted') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  if turn ? 'leasesFenced' then
    update host_lease l set fenced_by = r.proof
      from jsonb_to_recordset(turn->'leasesFenced') as r("hostId" text, epoch bigint, renewals bigint, proof jsonb)
      where l.host_id = r."hostId" and l.epoch = r.epoch and l.fenced_by is null
        and l.renewals = coalesce(r.renewals, l.renewals);
    get diagnostics changed = row_count;
    if changed <> jsonb_array_length(turn->'leasesFenced') then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
  end if;
  if exists (
    select from jsonb_to_recordset(turn->'fencesExpected') as r("hostId" text, epoch bigint)
      where not exists (
        select from host_lease l where l.host_id = r."hostId" and l.epoch = r.epoch and l.fenced_by is not null)
  ) then
    ${refuse(`'{"kind":"conflict"}'`)};
  end if;
  return true;
end $$`;

export const claims = `create or replace function novact_commit_claims(turn jsonb) returns boolean language plpgsql as $$
declare
  one jsonb;
  fitting text[];
  full_host text;
  changed bigint;
begin
  if turn ? 'claimsReleased' then
    with gone as (
      delete from claim t using jsonb_to_recordset(turn->'claimsReleased') as r(${key})
        where t.instance_id = r."instanceId" and t.epoch = r.epoch
        returning t.*
    ), sums as (${sums(`host_id as "hostId", vcpus, memory_mib as "memoryMib", disk_gib as "diskGib" from gone`)})
    update host h set vcpus_claimed = vcpus_claimed - s.vcpus, memory_mib_claimed = memory_mib_claimed - s.memory,
        disk_gib_claimed = disk_gib_claimed - s.disk, instances = instances - s.claims
      from sums s where h.id = s."hostId";
  end if;
  if not turn ? 'claims' then
    return true;
  end if;
  select r."hostId" into full_host
    from rows from (jsonb_to_recordset(turn->'claims') as (${claimDefinition})) with ordinality as r
      left join host_lease l on l.host_id = r."hostId" left join host h on h.id = r."hostId"
    where coalesce(r."leaseEpoch", 0) <> case when l.fenced_by is null then coalesce(l.epoch, 0) else -1 end
      -- What is there already may be claimed anew on a host that takes nothing new.
      or (not h.enabled and not coalesce(turn->'claimsReleased' @> jsonb_build_array(
        jsonb_build_object('instanceId', r."instanceId", 'epoch', r.epoch)), false))
    order by r.ordinality limit 1;
  if found then
    ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', full_host)::text`)};
  end if;
  if jsonb_array_length(turn->'claims') = 1 then
    -- By far the most common: the same as below, at a third of the cost.
    one := turn->'claims'->0;
    update host set vcpus_claimed = vcpus_claimed + (one->>'vcpus')::bigint,
        memory_mib_claimed = memory_mib_claimed + (one->>'memoryMib')::bigint,
        disk_gib_claimed = disk_gib_claimed + (one->>'diskGib')::bigint, instances = instances + 1
      where id = one->>'hostId' and vcpus_claimed + (one->>'vcpus')::bigint <= vcpus
        and memory_mib_claimed + (one->>'memoryMib')::bigint <= memory_mib
        and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib;
    if not found then
      ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', one->>'hostId')::text`)};
    end if;
    insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch)
      values (one->>'instanceId', (one->>'epoch')::bigint, one->>'hostId', (one->>'vcpus')::bigint,
        (one->>'memoryMib')::bigint, (one->>'diskGib')::bigint,
        coalesce((one->>'leaseEpoch')::bigint, 0))
      on conflict do nothing;
    if not found then
      ${refuse(`'{"kind":"conflict"}'`)};
    end if;
    return true;
  end if;
  with sums as (${sums(`* from jsonb_to_recordset(turn->'claims') as r(${claimDefinition})`)}), taken as (
    update host h set vcpus_claimed = vcpus_claimed + s.vcpus, memory_mib_claimed = memory_mib_claimed + s.memory,
        disk_gib_claimed = disk_gib_claimed + s.disk, instances = instances + s.claims
      from sums s where h.id = s."hostId" and vcpus_claimed + s.vcpus <= h.vcpus
        and memory_mib_claimed + s.memory <= h.memory_mib and disk_gib_claimed + s.disk <= h.disk_gib
      returning h.id
  )
  select array_agg(t.id), min(s."hostId") filter (where t.id is null) into fitting, full_host
    from sums s left join taken t on t.id = s."hostId";
  if full_host is not null then
    select r."hostId" into full_host from (
      select r."hostId", r.ordinality, sum(r.vcpus) over earlier as vcpus, sum(r."memoryMib") over earlier as memory,
          sum(r."diskGib") over earlier as disk
        from rows from (jsonb_to_recordset(turn->'claims') as (${claimDefinition})) with ordinality as r
        window earlier as (partition by r."hostId" order by r.ordinality)
    ) r left join host h on h.id = r."hostId"
      where r."hostId" <> all (coalesce(array_remove(fitting, null), '{}')) and (
        h.id is null or h.vcpus_claimed + r.vcpus > h.vcpus or h.memory_mib_claimed + r.memory > h.memory_mib
          or h.disk_gib_claimed + r.disk > h.disk_gib)
      order by r.ordinality limit 1;
    ${refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', full_host)::text`)};
  end if;
  insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch)
    select r."instanceId", r.epoch, r."hostId", r.vcpus, r."memoryMib", r."diskGib", coalesce(r."leaseEpoch", 0)
      from jsonb_to_recordset(turn->'claims') as r(${claimDefinition})
    on conflict do nothing;
  get diagnostics changed = row_count;
  if changed <> jsonb_array_length(turn->'claims') then
    ${refuse(`'{"kind":"conflict"}'`)};
  end if;
  return true;
end $$`;

const reasons = `reason in ('requested', 'guestShutdown', 'guestPanic', 'processLost', 'hostShutdown',
  'guestFailed', 'diskFull', 'imageMissing', 'hypervisorRefused', 'crashLoop', 'leaseLost', 'diskMissing')`;
const kinds = `kind in ('create', 'start', 'stop', 'reboot', 'pause', 'unpause', 'delete', 'recover', 'evacuate')`;

const columns = [
  `alter table instance add column recovery jsonb not null default '{"policy":"restart","priority":0}',
    add column storage_id text collate "C", add column movable boolean not null default false`,
  "alter table instance alter column recovery drop default, alter column movable drop default",
  `create index instance_movable_idx on instance (host_id, id) where movable`,
  "alter table claim add column lease_epoch bigint not null default 0",
  "alter table claim alter column lease_epoch drop default",
  `alter table machine drop constraint machine_reason_check, add constraint machine_reason_check check (${reasons})`,
  `alter table operation drop constraint operation_kind_check, add constraint operation_kind_check check (${kinds})`,
  `create table host_lease (
    host_id text collate "C" not null,
    epoch bigint not null,
    renewals bigint not null,
    fenced_by jsonb,
    primary key (host_id),
    constraint host_lease_count_check check (least(epoch, renewals) >= 1)
  ) with (fillfactor = 50)`,
];

export class Migration0004Lease extends Migration {
  override up(): void {
    for (const sql of [...columns, instances, leases, claims]) this.addSql(sql);
  }
}
