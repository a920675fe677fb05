/**
 * NUMA cells, CPUs of one's own and huge pages as claims: what each takes of its host's cells, and the sums,
 * under CHECKs as the host's own. The functions of 0004 and 0005 are made anew from their texts; the cells
 * are a trigger's work, on the claims that have any: all others cost what they did.
 *
 * `host_cell` has a row for each thing that a cell can run out of: `cpus` that are guests' own, `memory` in
 * ordinary pages, `pages:2048` for huge pages of that many KiB.
 */
import { Migration } from "@mikro-orm/migrations";
import { claims as claims0004 } from "./0004-lease.ts";
import { hosts as hosts0005, removals as removals0005, swapped } from "./0005-drain.ts";
import { refuse } from "./shapes.ts";

const columns = [
  `alter table host add column real_cpus bigint not null default 0, add column pinned_cpus bigint not null default 0`,
  `update host set real_cpus = (select coalesce(sum((n->>'vcpus')::bigint), 0) from jsonb_array_elements(numa) as n)`,
  `alter table host alter column real_cpus drop default, alter column pinned_cpus drop default,
    add constraint host_pinned_check check (
      pinned_cpus >= 0 and pinned_cpus <= real_cpus
      and (vcpus_claimed - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * vcpus
    )`,
  "alter table claim add column numa jsonb",
  `create table host_cell (
    host_id text collate "C" not null,
    cell bigint not null,
    resource text collate "C" not null,
    total bigint not null,
    claimed bigint not null,
    primary key (host_id, cell, resource),
    constraint host_cell_claimed_check check (claimed >= 0 and claimed <= total)
  ) with (fillfactor = 50)`,
  "create index host_cell_claimed_idx on host_cell (host_id) where claimed > 0",
];

/** What a cell of an inventory has, of each thing; `numa` is jsonb. */
const offered = (numa: string) => `jsonb_array_elements(${numa}) with ordinality as n(cell, place)
      cross join lateral (
        select 'cpus' as resource, (n.cell->>'vcpus')::bigint as total
        union all
        select 'memory', greatest(0, (n.cell->>'memoryMib')::bigint - floor(coalesce((
          select sum((p->>'sizeKib')::bigint * (p->>'total')::bigint) from jsonb_array_elements(n.cell->'hugePages') as p
        ), 0) / 1024))::bigint
        union all
        select 'pages:' || (p->>'sizeKib'), (p->>'total')::bigint from jsonb_array_elements(n.cell->'hugePages') as p
      ) as t`;

const fill = `insert into host_cell (host_id, cell, resource, total, claimed)
  select h.id, n.place - 1, t.resource, t.total, 0 from host h cross join lateral ${offered("h.numa")}`;

/** What one claim takes of its cells. */
const needs = `select c.cell, n.resource, n.amount
      from jsonb_to_recordset(it.numa->'cells') as c(cell bigint, vcpus bigint, "memoryMib" bigint, "pageKib" bigint),
        lateral (values
          ('cpus', case when (it.numa->>'dedicated')::boolean then c.vcpus else 0 end),
          (case when c."pageKib" is null then 'memory' else 'pages:' || c."pageKib" end,
            case when c."pageKib" is null then c."memoryMib" else c."memoryMib" * 1024 / c."pageKib" end)
        ) as n(resource, amount)
      where n.amount > 0`;

const hostFull = refuse(`jsonb_build_object('kind', 'hostFull', 'hostId', it.host_id)::text`);

const cells = `create function novact_claim_cells() returns trigger language plpgsql as $$
declare
  it claim;
  sign bigint := 1;
  pinned bigint;
  wanted bigint;
  changed bigint;
begin
  if tg_op = 'DELETE' then
    it := old;
    sign := -1;
  else
    it := new;
  end if;
  if (it.numa->>'dedicated')::boolean then
    pinned := sign * it.vcpus;
    update host set pinned_cpus = pinned_cpus + pinned
      where id = it.host_id and (sign < 0 or (pinned_cpus + pinned <= real_cpus
        and (vcpus_claimed - pinned_cpus - pinned) * real_cpus <= (real_cpus - pinned_cpus - pinned) * vcpus));
    if not found and sign > 0 then
      ${hostFull};
    end if;
  end if;
  with needs as (${needs}), taken as (
    update host_cell t set claimed = t.claimed + sign * n.amount
      from needs n where t.host_id = it.host_id and t.cell = n.cell and t.resource = n.resource
        and (sign < 0 or t.claimed + n.amount <= t.total)
      returning 1
  )
  select (select count(*) from needs), (select count(*) from taken) into wanted, changed;
  if sign > 0 and wanted <> changed then
    ${hostFull};
  end if;
  return null;
end $$`;

const triggers = [
  `create trigger claim_takes_cells after insert on claim for each row when (new.numa is not null)
    execute function novact_claim_cells()`,
  `create trigger claim_gives_cells after delete on claim for each row when (old.numa is not null)
    execute function novact_claim_cells()`,
];

const swappedAll = (text: string, pairs: readonly (readonly [before: string, after: string])[]) =>
  pairs.reduce((made, [before, after]) => swapped(made, before, after), text);

const claim =
  `"instanceId" text, epoch bigint, "hostId" text, vcpus bigint, "memoryMib" bigint, "diskGib" bigint, ` +
  `"leaseEpoch" bigint`;

/** vCPUs that share CPUs must find enough that are nobody's own. */
const claims = swappedAll(claims0004, [
  [
    `and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib;`,
    `and disk_gib_claimed + (one->>'diskGib')::bigint <= disk_gib
        and (vcpus_claimed + (one->>'vcpus')::bigint - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * vcpus;`,
  ],
  [
    "insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch)\n      values",
    "insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)\n      values",
  ],
  [
    "coalesce((one->>'leaseEpoch')::bigint, 0))",
    "coalesce((one->>'leaseEpoch')::bigint, 0), nullif(one->'numa', 'null'))",
  ],
  [
    "and disk_gib_claimed + s.disk <= h.disk_gib\n",
    `and disk_gib_claimed + s.disk <= h.disk_gib
        and (vcpus_claimed + s.vcpus - pinned_cpus) * real_cpus <= (real_cpus - pinned_cpus) * h.vcpus\n`,
  ],
  [
    "or h.disk_gib_claimed + r.disk > h.disk_gib)",
    `or h.disk_gib_claimed + r.disk > h.disk_gib
          or (h.vcpus_claimed + r.vcpus - h.pinned_cpus) * h.real_cpus > (h.real_cpus - h.pinned_cpus) * h.vcpus)`,
  ],
  [
    "insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch)\n    select",
    "insert into claim (instance_id, epoch, host_id, vcpus, memory_mib, disk_gib, lease_epoch, numa)\n    select",
  ],
  [
    `coalesce(r."leaseEpoch", 0)\n      from jsonb_to_recordset(turn->'claims') as r(${claim})`,
    `coalesce(r."leaseEpoch", 0), r.numa\n      from jsonb_to_recordset(turn->'claims') as r(${claim}, numa jsonb)`,
  ],
]);

const real = (numa: string) =>
  `(select coalesce(sum((n->>'vcpus')::bigint), 0) from jsonb_array_elements(coalesce(${numa}, '[]')) as n)`;

const hosts = swappedAll(hosts0005, [
  [
    `or h.disk_gib_claimed > r."diskGib")`,
    `or h.disk_gib_claimed > r."diskGib"
          or (h.pinned_cpus > 0 and (h.pinned_cpus > ${real("r.numa")}
            or (h.vcpus_claimed - h.pinned_cpus) * ${real("r.numa")} > (${real("r.numa")} - h.pinned_cpus) * r.vcpus))
          or exists (
            select from host_cell c where c.host_id = h.id and c.claimed > coalesce((
              select t.total from ${offered("coalesce(r.numa, '[]')")}
                where n.place - 1 = c.cell and t.resource = c.resource), 0)))`,
  ],
  ["failed_builds, generation)", "failed_builds, generation, real_cpus, pinned_cpus)"],
  ["true, now_ms, 0, 1\n", `true, now_ms, 0, 1, ${real("r.numa")}, 0\n`],
  [
    "generation = t.generation + case",
    "real_cpus = excluded.real_cpus,\n        generation = t.generation + case",
  ],
  [
    "insert into host_seen as t",
    `delete from host_cell c using jsonb_to_recordset(turn->'hosts') as r("hostId" text, numa jsonb)
      where c.host_id = r."hostId" and not exists (
        select from ${offered("coalesce(r.numa, '[]')")} where n.place - 1 = c.cell and t.resource = c.resource);
    insert into host_cell as c (host_id, cell, resource, total, claimed)
      select r."hostId", n.place - 1, t.resource, t.total, 0
        from jsonb_to_recordset(turn->'hosts') as r("hostId" text, numa jsonb)
          cross join lateral ${offered("coalesce(r.numa, '[]')")}
      on conflict (host_id, cell, resource) do update set total = excluded.total where c.total <> excluded.total;
    insert into host_seen as t`,
  ],
]);

export const removals = swapped(
  removals0005,
  "delete from machine t using",
  `delete from host_cell t using jsonb_to_recordset(turn->'hostsRemoved') as r("hostId" text)
    where t.host_id = r."hostId";
  delete from machine t using`,
).replace("create function", "create or replace function");

export class Migration0006Numa extends Migration {
  override up(): void {
    for (const sql of [...columns, fill, cells, ...triggers, claims, hosts, removals]) this.addSql(sql);
  }
}
